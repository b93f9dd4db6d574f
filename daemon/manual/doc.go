// Package manual writes manual pages for man(1): those of a tree of commands, and
// single ones.
//
// A page is roff in the man macros (groff_man(7)) and UTF-8. The same input gives
// the same bytes: the date is handed in.
package manual
