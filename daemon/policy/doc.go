// Package policy decides who may call and be called, when, how a call is answered,
// for how long it may last, and what else a contact may do. It is pure: what it
// needs to know comes in, time and configuration included, and what it decides
// goes out with the rule that decided, in a sentence for a person.
//
// What counts for a contact is found attribute by attribute: what the contact
// says itself, else what its groups say, else what the default says. Of several
// groups the strictest restriction and the union of the rights count. No rule that
// allows a thing means no. docs/policy.md explains it to device makers.
//
// Wall-clock times are read in the time zone of the rules; lengths are of the
// boot-time clock.
package policy
