// Package reference writes about the configuration: its manual, the full example and
// the JSON schema for editors. What it says of a key is the comment of the key's field,
// so it needs the source; the daemon and callboxctl are not linked to it.
package reference
