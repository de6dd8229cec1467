package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/config"
)

// ErrLess reports that settings would make the running stream less safe, delete events,
// store a repeated event twice, or refuse new events at once.
var ErrLess = errors.New("the settings would make the running stream keep less")

// refuseLess returns ErrLess with what shrinks when a running stream is changed to s.
func (c *Conn) refuseLess(ctx context.Context, s Settings) error {
	var lines []string
	for _, want := range []jetstream.StreamConfig{s.stream(), s.deadStream()} {
		have, err := c.running(ctx, want.Name)
		if err != nil {
			return err
		}
		if have == nil || have.Config.Sealed { // Apply changes nothing of it
			continue
		}
		lines = append(lines, shrinks(have, want)...)
	}
	if len(lines) > 0 {
		return fmt.Errorf("%w: %s", ErrLess, strings.Join(lines, "; "))
	}
	return nil
}

// shrinks returns a sentence for each property with which the stream keeps less. A smaller
// limit of bytes or messages shrinks only if the stream stores more already: it is then
// full, and refuses every message.
func shrinks(have *jetstream.StreamInfo, want jetstream.StreamConfig) (lines []string) {
	age, size, window, message := "STREAM_MAX_AGE", sizeSetting(want.Name), "DEDUP_WINDOW", "an event"
	if want.Name == DeadName {
		age, window, message = "the age of dead letters", "the duplicate window of dead letters", "a dead letter"
	}
	if want.Replicas < have.Config.Replicas {
		lines = append(lines, fmt.Sprintf("STREAM_REPLICAS is %d, configured is %d (stream %s)", have.Config.Replicas, want.Replicas, want.Name))
	}
	if unlimited(have.Config.MaxAge) > unlimited(want.MaxAge) {
		lines = append(lines, fmt.Sprintf("%s is %s, configured is %s, which deletes what is older", age, ageText(have.Config.MaxAge), ageText(want.MaxAge)))
	}
	// A window that only follows a shorter age is told by the age.
	if want.Duplicates < min(have.Config.Duplicates, want.MaxAge) {
		lines = append(lines, fmt.Sprintf("%s is %s, configured is %s, which stores %s that is repeated later as a second message",
			window, ageText(have.Config.Duplicates), ageText(want.Duplicates), message))
	}
	if want.MaxBytes > 0 && have.State.Bytes > uint64(want.MaxBytes) {
		lines = append(lines, fmt.Sprintf("%s is %s, configured is %s, but stream %s stores %s and would refuse every message",
			size, sizeText(have.Config.MaxBytes), sizeText(want.MaxBytes), want.Name, storedText(have.State.Bytes)))
	}
	if want.MaxMsgs > 0 && have.State.Msgs > uint64(want.MaxMsgs) {
		lines = append(lines, fmt.Sprintf("stream %s stores %d messages, configured are %d: it would refuse every message", want.Name, have.State.Msgs, want.MaxMsgs))
	}
	return lines
}

// unlimited returns an age in which NATS's 0, for no limit, is the longest.
func unlimited(age time.Duration) uint64 { return uint64(age) - 1 } //nolint:gosec // 0 wraps to the largest number

func ageText(age time.Duration) string {
	if age == 0 {
		return "unlimited"
	}
	return (*config.Duration)(&age).String()
}

// sizeText writes a limit as STREAM_MAX_BYTES reads it.
func sizeText(limit int64) string {
	if limit == 0 { // NATS's other form of no limit
		limit = -1
	}
	text := (*config.ByteLimit)(&limit).String()
	if text[len(text)-1] <= '9' { // a bare number is in bytes
		text += "B"
	}
	return text
}

// storedText writes a size with one digit after the point.
func storedText(bytes uint64) string {
	unit, name := uint64(1), "B"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if bytes < unit<<10 {
			break
		}
		unit, name = unit<<10, u
	}
	if unit == 1 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", float64(bytes)/float64(unit), name)
}
