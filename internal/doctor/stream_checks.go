package doctor

import (
	"context"
	"fmt"

	"github.com/cioevents/cioevents/internal/stream"
)

// StreamChecks checks the settings and the size of the streams.
func StreamChecks(b *Broker) []Check {
	return []Check{
		{"stream", "settings", b.onStatus(stream.AskStatus, func(_ context.Context, s *stream.Status) []Verdict {
			return orWell(problems(s, stream.SettingProblem), "both streams are as the programs create them")
		})},
		{"stream", "size", b.onStatus(stream.AskStatus, func(_ context.Context, s *stream.Status) []Verdict {
			return orWell(problems(s, stream.FillProblem), size(&s.Stream))
		})},
	}
}

// ConfiguredCheck compares the streams with the settings of a worker that are set here. A
// running worker does so itself, and its note is among the findings of StreamChecks.
func ConfiguredCheck(b *Broker, s stream.Settings, isSet func(name string) bool) Check {
	return Check{"stream", "configured", b.on(stream.AskReplicas, func(ctx context.Context, conn *stream.Conn) []Verdict {
		unlike, err := conn.Unlike(ctx, s, isSet)
		if err != nil {
			return unasked(err)
		}
		return listed("both streams have the settings that are set here", unlike)
	})}
}

// problems returns a verdict for each problem of a kind.
func problems(s *stream.Status, kind stream.ProblemKind) (list []Verdict) {
	for _, p := range s.Found {
		switch {
		case p.Kind != kind:
		case p.Breaks:
			list = append(list, split(Fail, p.Text))
		default:
			list = append(list, split(Warn, p.Text))
		}
	}
	return list
}

// orWell returns the list, or for an empty list an OK with the detail.
func orWell(list []Verdict, detail string) []Verdict {
	if len(list) == 0 {
		return ok("%s", detail)
	}
	return list
}

func size(s *stream.StreamStatus) string {
	text := events(s.Messages)
	if s.MaxBytes <= 0 {
		return text + ", no limit"
	}
	return fmt.Sprintf("%s, %d %% full", text, s.Bytes*100/uint64(s.MaxBytes))
}

// events returns a number of events.
func events(n uint64) string {
	if n == 1 {
		return "1 event"
	}
	return fmt.Sprintf("%d events", n)
}
