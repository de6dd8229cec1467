package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
)

const (
	// flushEvery is the pause between two messages of a live page.
	flushEvery = 250 * time.Millisecond
	// flushRows bounds the rows of a message: 80 events a second are more than a person
	// reads, and a browser draws them with ease.
	flushRows = 20
	// noteEvery is the time over which the note counts events.
	noteEvery = 2 * time.Second
	// maxLive bounds the live pages, each of which is a consumer of the stream.
	maxLive = 20
)

// A sampler collects the rows for the next message, and counts the events that have no
// room.
type sampler struct {
	mu         sync.Mutex
	rows       []event.Attempt
	seen, left int // since the last note
}

func (s *sampler) add(a event.Attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	if len(s.rows) < flushRows {
		s.rows = append(s.rows, a)
	} else {
		s.left++
	}
}

// take returns the rows so far.
func (s *sampler) take() []event.Attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := s.rows
	s.rows = nil
	return rows
}

// note returns a sentence about the last noteEvery, and begins to count again.
func (s *sampler) note() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen, left := s.seen, s.left
	s.seen, s.left = 0, 0
	rate := func(n int) string { return count(int(float64(n)/noteEvery.Seconds() + 0.5)) }
	if left > 0 {
		return fmt.Sprintf("Sampled: %s of %s events a second are shown.", rate(seen-left), rate(seen))
	}
	return "Live: every event is shown."
}

// live streams the rows of new events as server-sent events. The consumer of the stream
// ends with the request.
func (s *Server) live(w http.ResponseWriter, r *http.Request) {
	f, err := newEventForm(r).filter()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if s.lives.Add(1) > maxLive {
		s.lives.Add(-1)
		http.Error(w, "too many live pages are open", http.StatusServiceUnavailable)
		return
	}
	defer s.lives.Add(-1)
	c := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep the rows back
	w.WriteHeader(http.StatusOK)
	if c.Flush() != nil {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	var sample sampler
	failed := make(chan error, 1)
	reading.Go(func() {
		failed <- operate.TailEvents(ctx, s.cfg.Conn, f, time.Time{}, func(a event.Attempt) bool {
			sample.add(a)
			return true
		})
	})
	s.stream(ctx, w, c, &sample, failed)
}

// stream writes until the browser or the tail is gone. The browser connects again.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, c *http.ResponseController, sample *sampler, failed <-chan error) {
	flush, note := time.NewTicker(flushEvery), time.NewTicker(noteEvery)
	defer flush.Stop()
	defer note.Stop()
	for {
		var message []byte
		select {
		case <-ctx.Done():
			return
		case err := <-failed:
			if err != nil && ctx.Err() == nil {
				s.cfg.Log.Warn().Err(err).Msg("console: read live events")
			}
			return
		case <-flush.C:
			message = s.rowsMessage(sample.take())
		case <-note.C: // also keeps proxies from ending a silent connection
			message = []byte("event: note\ndata: " + sample.note() + "\n\n")
		}
		if len(message) == 0 {
			continue
		}
		_ = c.SetWriteDeadline(time.Now().Add(stopTimeout)) // of a browser that does not read
		if _, err := w.Write(message); err != nil || c.Flush() != nil {
			return
		}
	}
}

// rowsMessage returns the message with the rows, the newest first. A text in a row may have
// line ends, carriage returns among them, which end a line of server-sent events, too.
func (s *Server) rowsMessage(events []event.Attempt) []byte {
	if len(events) == 0 {
		return nil
	}
	var html bytes.Buffer
	for _, attempt := range slices.Backward(events) {
		if err := templates["events"].ExecuteTemplate(&html, "event-row", newEventRow(attempt)); err != nil {
			s.cfg.Log.Error().Err(err).Msg("console: render row")
			return nil
		}
	}
	var out bytes.Buffer
	for line := range bytes.Lines(bytes.ReplaceAll(html.Bytes(), []byte("\r"), []byte("&#13;"))) {
		out.WriteString("data: ")
		out.Write(bytes.TrimSuffix(line, []byte("\n")))
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
	return out.Bytes()
}
