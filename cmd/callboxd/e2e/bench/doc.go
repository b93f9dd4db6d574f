// Package bench makes the table of make bench: what was measured, what is promised,
// and how both compare. It measures nothing itself.
//
// What one run of make bench cannot measure in its time comes from the tests that do,
// each of which writes a part (WritePart) into the folder build: build/limit.json,
// build/calls.json, build/network.json and build/echo.json. The table says of such
// figures when they were measured, and of those that are nowhere that they were not.
package bench
