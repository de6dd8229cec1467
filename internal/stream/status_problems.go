package stream

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Problem is a sentence of Status.Problems.
type Problem struct {
	Text string
	Kind ProblemKind
	// Breaks is set when a promise is broken: events are lost, refused or not handled.
	Breaks bool
}

// A ProblemKind says what a problem is about.
type ProblemKind int

// The kinds of problems.
const (
	SettingProblem  ProblemKind = iota // properties and settings of a stream
	FillProblem                        // a stream that is almost full
	ConsumerProblem                    // a consumer that gets no events
)

func (s *Status) add(kind ProblemKind, breaks bool, sentences ...string) {
	for _, text := range sentences {
		s.Problems = append(s.Problems, text)
		s.Found = append(s.Found, Problem{text, kind, breaks})
	}
}

func (s *Status) addProperties(problems []problem) {
	for _, p := range problems {
		s.add(SettingProblem, p.breaks, p.text)
	}
}

// warnShare is the part of a stream's size, in percent, from which fullness warns.
const warnShare = 80

// fullness returns a sentence about a stream that is full, or almost full.
func fullness(info *jetstream.StreamInfo) []string {
	limit, stored := info.Config.MaxBytes, info.State.Bytes
	if limit <= 0 || stored*100 < uint64(limit)*warnShare {
		return nil
	}
	state := fmt.Sprintf("is %d %% full", stored*100/uint64(limit))
	if mean := stored / max(info.State.Msgs, 1); stored+mean > uint64(limit) { // the next message does not fit
		state = "is full"
	}
	harm, remedy := "ingest answers 503 to every event that does not fit", "raise STREAM_MAX_BYTES"
	if info.Config.Name == DeadName {
		harm, remedy = "ingest answers 503 to a body that it cannot parse, and a consumer retries what it would give up on",
			"redrive or drop dead letters, or raise DEAD_STREAM_MAX_BYTES"
	}
	return []string{fmt.Sprintf("stream %s %s (%s of %s): %s; %s, then run cioctl stream apply with all settings",
		info.Config.Name, state, storedText(stored), storedText(uint64(limit)), harm, remedy)}
}

// fullShare is the part of a stream's size, in percent, from which messages are refused
// soon.
const fullShare = 95

func isFull(info *jetstream.StreamInfo) bool {
	return info.Config.MaxBytes > 0 && info.State.Bytes*100 >= uint64(info.Config.MaxBytes)*fullShare
}

// Times without a delivery and an acknowledgement, after which a consumer with a lag
// stands still. A message in flight may wait for its next attempt, for 12.5 minutes at
// most.
const (
	standingAfter         = time.Minute
	standingInFlightAfter = 15 * time.Minute
)

// standing returns a sentence for each consumer whose events wait while no worker asks
// for them, except consumers that are paused or named in held, which have a sentence
// already. NATS does not know why: the worker does.
func standing(infos []*jetstream.ConsumerInfo, held []string) (problems []string) {
	for _, info := range infos {
		isNamed := slices.ContainsFunc(held, func(h string) bool { return strings.HasPrefix(h, "consumer "+info.Name+" ") })
		if info.Paused || isNamed || !standsStill(info) {
			continue
		}
		problems = append(problems, fmt.Sprintf("consumer %s: %d messages wait and no program asks for them: look at /readyz and the log of the workers, or of your own program",
			info.Name, lagOf(info)))
	}
	return problems
}

// standsStill compares times of one server's clock: TimeStamp is the time of the report.
func standsStill(info *jetstream.ConsumerInfo) bool {
	if lagOf(info) == 0 || info.NumWaiting > 0 {
		return false
	}
	active := info.Created
	for _, at := range []*time.Time{info.Delivered.Last, info.AckFloor.Last} {
		if at != nil && at.After(active) {
			active = *at
		}
	}
	limit := standingAfter
	if info.NumAckPending > 0 {
		limit = standingInFlightAfter
	}
	return info.TimeStamp.Sub(active) > limit
}
