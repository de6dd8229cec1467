package doctor

import (
	"context"
	"fmt"
	"time"
)

// A State is how a check ended.
type State string

// The states of a check. Skip means that a setting is missing without which nobody can
// check, such as a key of the App API.
const (
	OK   State = "ok"
	Warn State = "warn"
	Fail State = "fail"
	Skip State = "skip"
)

// A Verdict is what a check found out. Detail has figures and names. Remedy says what to
// do about a Warn or a Fail.
type Verdict struct {
	State  State  `json:"state"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

// A Check looks at one part of the set-up. Look changes nothing that lasts, and returns at
// least one verdict before the context ends.
type Check struct {
	// Group is the word for the part, which cioctl doctor --only takes: config, clock,
	// nats, stream, customerio, webhook, warehouse or work.
	Group string
	// Name says in two or three words what is checked, such as "Track API key".
	Name string
	Look func(context.Context) []Verdict
}

// A Finding is a verdict with the check that found it.
type Finding struct {
	Group string `json:"group"`
	Check string `json:"check"`
	Verdict
}

// lookLimit is the time that a check may take. All checks run at the same time, so doctor
// ends within 10 s.
const lookLimit = 8 * time.Second

// Run runs all checks at the same time and calls found with their findings, in the order of
// the checks. A check that takes longer than 8 s has failed.
func Run(ctx context.Context, checks []Check, found func(Finding)) {
	results := make([]chan []Verdict, len(checks))
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	for i, c := range checks {
		results[i] = make(chan []Verdict, 1)
		go func() { results[i] <- c.Look(ctx) }()
	}
	for i, c := range checks {
		for _, v := range await(ctx, results[i]) {
			found(Finding{Group: c.Group, Check: c.Name, Verdict: v})
		}
	}
}

// grace is the time that a check has to report after the end of the context.
const grace = 500 * time.Millisecond

func await(ctx context.Context, result <-chan []Verdict) []Verdict {
	select {
	case v := <-result:
		return v
	case <-ctx.Done():
	}
	select {
	case v := <-result:
		return v
	case <-time.After(grace):
		return failed(fmt.Sprintf("no answer within %v", lookLimit), "look at the network between this machine and the service")
	}
}

func ok(format string, a ...any) []Verdict {
	return []Verdict{{State: OK, Detail: fmt.Sprintf(format, a...)}}
}

func warned(detail, remedy string) []Verdict {
	return []Verdict{{State: Warn, Detail: detail, Remedy: remedy}}
}

func failed(detail, remedy string) []Verdict {
	return []Verdict{{State: Fail, Detail: detail, Remedy: remedy}}
}

func skipped(reason string) []Verdict {
	return []Verdict{{State: Skip, Detail: reason}}
}
