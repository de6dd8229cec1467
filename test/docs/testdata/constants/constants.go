// Package constants has one constant of each form that the test must evaluate.
package constants

import (
	"runtime/debug"
	"time"

	"github.com/cioevents/cioevents/test/docs/testdata/constants/other"
)

const (
	shifted  = 16 << 10
	duration = 90 * 24 * time.Hour
	text     = "messaging"
	length   = len(text + "{}")
	fraction = 0.9
	derived  = other.Exported - 3
)

const (
	zero = iota
	one
)

var variable = 1

func tune() {
	debug.SetMemoryLimit(160 << 20)
	debug.SetGCPercent(100)
	debug.SetGCPercent(variable)
}
