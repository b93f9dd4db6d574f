// Package config is the YAML file of the daemon: its schema, its loader and its
// errors.
//
// Every key is optional and every default is in the binary. A file is refused as
// a whole, with all its problems at once, each as "file:line:column: key: what is
// wrong; what is allowed". The order of precedence is: environment
// (CALLBOX_SECTION_KEY), file, default. What Load returns never changes; a reload
// loads a new one.
//
// viper merges the three and is used nowhere else.
package config
