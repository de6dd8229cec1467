package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A loss is the part of the simulated events that send does not send, so that an audit has
// something to find.
type loss struct {
	percent, list, fake string
	share               float64 // of percent

	lines  *bufio.Writer
	bodies bytes.Buffer // one a line, for the fake
}

func (l *loss) declare(s *config.Set) {
	flags := s.Flags()
	flags.StringVar(&l.percent, "lose", "", "do not send this share of the simulated events, such as 2%, and print their ids as JSON lines")
	flags.StringVar(&l.list, "lost", "", "write the ids of the lost events to this file (default: standard output, and the report to standard error)")
	flags.StringVar(&l.fake, "fake-url", "", "address of the fake App API of cioctl dev, which is told of the lost events")
}

// check reads the share.
func (l *loss) check(campaign int) error {
	if l.percent == "" {
		if l.list != "" || l.fake != "" {
			return errors.New("--lost and --fake-url need --lose")
		}
		return nil
	}
	text, ok := strings.CutSuffix(l.percent, "%")
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case !ok || err != nil || !(n >= 0 && n <= 100):
		return config.Invalid("--lose", l.percent, "a share such as 2%")
	case campaign == 0:
		return errors.New("--lose needs --campaign")
	case l.fake != "":
		err = config.WebAddress("--fake-url", l.fake, "http://127.0.0.1:8081")
	}
	l.share = n / 100
	return err
}

// A lostEvent is a line about an event that was not sent.
type lostEvent struct {
	EventID    string         `json:"event_id"`
	DeliveryID string         `json:"delivery_id,omitempty"`
	Metric     webhook.Metric `json:"metric"`
	Timestamp  time.Time      `json:"timestamp"`
}

// from returns the bodies without the lost ones. Each lost body counts as done.
func (l *loss) from(bodies iter.Seq[[]byte], done func()) iter.Seq[[]byte] {
	if l.share == 0 {
		return bodies
	}
	return func(yield func([]byte) bool) {
		for body := range bodies {
			if rand.Float64() >= l.share {
				if !yield(body) {
					return
				}
				continue
			}
			l.note(body)
			done()
		}
	}
}

func (l *loss) note(body []byte) {
	e, err := webhook.Parse(body)
	if err != nil {
		return // never: the simulation is readable
	}
	_ = json.NewEncoder(l.lines).Encode(lostEvent{e.ID, e.DeliveryID, e.Metric, e.OccurredAt}) //nolint:errchkjson // finish has the error
	if l.fake != "" {
		l.bodies.Write(body)
		l.bodies.WriteByte('\n')
	}
}

// open opens the file of --lost. finish closes the file, and tells the fake.
func (l *loss) open(stdout io.Writer) (finish func(context.Context) error, err error) {
	var file *os.File
	if l.list != "" {
		if file, err = os.Create(l.list); err != nil {
			return nil, fmt.Errorf("--lost: %w", err)
		}
		stdout = file
	}
	l.lines = bufio.NewWriter(stdout)
	return func(ctx context.Context) error {
		err := l.lines.Flush()
		if file != nil {
			err = errors.Join(err, file.Close())
		}
		return errors.Join(err, l.tell(ctx))
	}, nil
}

// tell posts the lost bodies to the fake App API: Customer.io knows the events of webhooks
// that never arrived.
func (l *loss) tell(ctx context.Context) error {
	if l.bodies.Len() == 0 {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(l.fake, "/")+customeriotest.EventsPath, &l.bodies)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("tell the fake App API: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("tell the fake App API: status %d: --fake-url is the address in FAKE_TRACK_ADDR of cioctl dev", resp.StatusCode)
	}
	return nil
}
