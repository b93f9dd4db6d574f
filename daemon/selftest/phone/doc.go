// Package phone makes the call of callboxctl selftest: a phone that the daemon lets in
// over its local API calls the device over its own listener, measures, and returns
// figures. What they mean, daemon/selftest judges.
//
// Nothing of it outlives Run: the daemon refuses the phone and ends its call when the
// connection of this process to the local API ends, however that comes about.
package phone
