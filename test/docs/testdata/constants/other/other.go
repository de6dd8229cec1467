// Package other has a constant for another package.
package other

// Exported is a constant.
const Exported = 300
