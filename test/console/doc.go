// Package console holds a person's way through the console, in Chromium, against a real
// "cioctl dev". It is a module of its own so that the product does not carry the browser's
// library.
package console
