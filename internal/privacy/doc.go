// Package privacy says whose event an event is, and what a store of events can do for a
// person: find, export and erase the person's data. It has the keyed hash that replaces
// personal values. The package does no I/O.
package privacy
