package stream

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Changes returns a line for each property of the running streams that Apply would change
// to the values of s, with the old and the new value, and for each missing stream. Changes
// itself changes nothing.
func (c *Conn) Changes(ctx context.Context, s Settings) (lines []string, err error) {
	s = s.withDefaults()
	for _, want := range []jetstream.StreamConfig{s.stream(), s.deadStream()} {
		have, err := c.running(ctx, want.Name)
		switch {
		case err != nil:
			return nil, err
		case have == nil:
			lines = append(lines, want.Name+": created")
		case !have.Config.Sealed:
			lines = append(lines, changes(have.Config, applied(have.Config, want))...)
		}
	}
	return lines, nil
}

func changes(have, next jetstream.StreamConfig) (lines []string) {
	list := settingDifferences(have, next)
	for _, p := range streamProperties {
		if old, wanted := p.value(&have), p.value(&next); old != wanted {
			list = append(list, difference{p.name, fmt.Sprint(old), fmt.Sprint(wanted)})
		}
	}
	for _, subject := range missingSubjects(have.Subjects, next.Subjects) {
		list = append(list, difference{"subject", "missing", subject})
	}
	for _, d := range list {
		lines = append(lines, strings.Join([]string{next.Name + ": " + d.name, d.have, "→", d.want}, " "))
	}
	return lines
}
