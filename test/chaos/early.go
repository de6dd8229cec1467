package main

import (
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

// early is how many people complain before the faults. Nothing may suppress them a
// second time: since then, they may have come back.
const early = 40

// earlyID begins the id of a person who complains before the faults. The model of the
// history does not know the person.
const earlyID = "early-"

// earlyComplaints returns the complaints before the faults.
func earlyComplaints() (bodies [][]byte) {
	for i := range early {
		bodies = append(bodies, fmt.Appendf(nil,
			`{"event_id":"%[1]s%[2]d","object_type":"email","metric":"spammed","timestamp":1755600000,"data":{"identifiers":{"id":"%[1]s%[2]d"}}}`, earlyID, i))
	}
	return bodies
}

// earlySuppressed counts the suppress calls about people who complained before the
// faults.
func (d *deployment) earlySuppressed() (n int) {
	for _, c := range d.track.Calls() {
		if c.Kind == customeriotest.Suppress && strings.HasPrefix(c.Identifier, earlyID) {
			n++
		}
	}
	return n
}
