package stream

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// A health is what a process knows about the streams.
type health struct {
	log zerolog.Logger

	mu       sync.Mutex
	missing  map[string]error     // by stream, while it is missing
	problems map[string][]problem // by stream, of the last look
	// recreated counts, by stream, how often this process has recreated the stream.
	recreated map[string]int
	// lossy has, by stream, a problem that breaks a promise. Publishers read the map
	// without a lock.
	lossy atomic.Pointer[map[string]error]
}

func newHealth(log zerolog.Logger) *health {
	h := &health{log: log, missing: map[string]error{}, problems: map[string][]problem{}, recreated: map[string]int{}}
	h.lossy.Store(&map[string]error{})
	return h
}

// setProblems records the problems of a stream. The caller holds mu.
func (h *health) setProblems(stream string, problems []problem) {
	h.problems[stream] = problems
	lossy := maps.Clone(*h.lossy.Load())
	delete(lossy, stream)
	if i := slices.IndexFunc(problems, func(p problem) bool { return p.breaks }); i >= 0 {
		lossy[stream] = errors.New(problems[i].text)
	}
	h.lossy.Store(&lossy)
}

// setMissing records that a stream is missing, and why, and reports whether the cause is
// new.
func (h *health) setMissing(stream string, err error) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.missing[stream]
	h.missing[stream] = err
	h.setProblems(stream, nil)
	return before == nil || before.Error() != err.Error()
}

// isMissing is setMissing, and logs a new cause.
func (h *health) isMissing(stream string, err error) {
	if h.setMissing(stream, err) {
		h.log.Error().Str("stream", stream).Msg(err.Error())
	}
}

// isThere records the problems of a stream, and logs new ones.
func (h *health) isThere(stream string, problems []problem) {
	h.mu.Lock()
	before := h.problems[stream]
	delete(h.missing, stream)
	h.setProblems(stream, problems)
	h.mu.Unlock()
	for _, p := range problems {
		if slices.Contains(before, p) {
			continue
		}
		level := zerolog.WarnLevel
		if p.breaks {
			level = zerolog.ErrorLevel
		}
		h.log.WithLevel(level).Str("stream", stream).Msg(p.text)
	}
	if len(before) > 0 && len(problems) == 0 {
		h.log.Info().Str("stream", stream).Msg("stream is as configured again")
	}
}

func (h *health) isRecreated(stream, text string) {
	h.mu.Lock()
	h.recreated[stream]++
	h.mu.Unlock()
	h.log.Error().Str("stream", stream).Msg(text)
}

// whyMissing returns why a stream is missing, nil when the stream is there or nothing is
// known.
func (h *health) whyMissing(stream string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.missing[stream]
}

// broken returns a problem that breaks a promise, nil without one.
func (h *health) broken() error { return cmp.Or(h.loses(Name), h.loses(DeadName)) }

// loses returns the problem with which a stream may lose a message that it acknowledges,
// nil without one.
func (h *health) loses(stream string) error { return (*h.lossy.Load())[stream] }

// settings returns the problems of settings.
func (h *health) settings() (list []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range []string{Name, DeadName} {
		for _, p := range h.problems[name] {
			if p.setting {
				list = append(list, p.text)
			}
		}
	}
	return list
}

// notes returns what a person should know about the streams.
func (h *health) notes() (list []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(h.missing)) {
		list = append(list, h.missing[name].Error())
	}
	for _, name := range slices.Sorted(maps.Keys(h.problems)) {
		for _, p := range h.problems[name] {
			list = append(list, p.text)
		}
	}
	return list
}

var (
	problemsDesc  = newDesc("stream_problems", "Properties of the stream that are not as configured: breaking a promise, so that the program is not ready, or other ones.", "stream", "kind")
	recreatedDesc = newDesc("streams_recreated_total", "Times this process has recreated the stream after somebody had deleted it. The messages that were in it are lost.", "stream")
)

// Describe implements prometheus.Collector.
func (*health) Describe(ch chan<- *prometheus.Desc) {
	ch <- problemsDesc
	ch <- recreatedDesc
}

// Collect implements prometheus.Collector.
func (h *health) Collect(ch chan<- prometheus.Metric) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, name := range []string{Name, DeadName} {
		breaking := 0
		for _, p := range h.problems[name] {
			if p.breaks {
				breaking++
			}
		}
		ch <- prometheus.MustNewConstMetric(problemsDesc, prometheus.GaugeValue, float64(breaking), name, "breaking")
		ch <- prometheus.MustNewConstMetric(problemsDesc, prometheus.GaugeValue, float64(len(h.problems[name])-breaking), name, "other")
		ch <- prometheus.MustNewConstMetric(recreatedDesc, prometheus.CounterValue, float64(h.recreated[name]), name)
	}
}

// Health returns the instruments of the streams' properties.
func (c *Conn) Health() prometheus.Collector { return c.health }

// Notes returns what a person should know about the streams although the program can
// do its work: that the stream of dead letters is missing, or that a property differs
// from the configuration.
func (c *Conn) Notes() []string { return c.health.notes() }

// Refused returns why the stream of dead letters is missing when NATS has refused to
// create the stream, for example because of a limit of the account. It returns nil while
// nobody has tried, or after an error that time can end.
func (c *Conn) Refused() error {
	if err := c.health.whyMissing(DeadName); isRefused(err) {
		return err
	}
	return nil
}
