package stream_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A handMade is a stream that somebody has made, or edited, by hand.
type handMade struct {
	edit func(*jetstream.StreamConfig)
	// says is a part of the sentence about the property.
	says string
	// breaks is set for a property that makes a program not ready.
	breaks bool
	// stays is set for a property that NATS refuses to change.
	stays bool
}

// handMades lists the properties on which a promise rests.
var handMades = map[string]handMade{
	"work queue":        {func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy }, "retention is WorkQueue, wanted is Limits", true, true},
	"interest":          {func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy }, "retention is Interest, wanted is Limits", true, false},
	"memory":            {func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage }, "storage is Memory, wanted is File", true, true},
	"async":             {func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode }, "persist mode is", true, true},
	"discard old":       {func(c *jetstream.StreamConfig) { c.Discard, c.MaxMsgs = jetstream.DiscardOld, 1000 }, "discard policy is DiscardOld, wanted is DiscardNew", true, false},
	"discard old never": {func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "discard policy is DiscardOld", false, false},
	"max messages":      {func(c *jetstream.StreamConfig) { c.MaxMsgs = 1000 }, "max messages is 1000, wanted is -1", false, false},
	"per subject":       {func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 }, "max messages per subject is 1", true, false},
	"per subject new": {
		func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject, c.DiscardNewPerSubject = 1, true },
		"max messages per subject is 1", true, false,
	},
	"message size":  {func(c *jetstream.StreamConfig) { c.MaxMsgSize = 64 << 10 }, "max message size is 65536", false, false},
	"tiny messages": {func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1024 }, "max message size is 1024", true, false},
	"consumers":     {func(c *jetstream.StreamConfig) { c.MaxConsumers = 5 }, "max consumers is 5", false, false},
	"consumer acks": {func(c *jetstream.StreamConfig) { c.ConsumerLimits.MaxAckPending = 10 }, "consumer limits is", false, false},
	"no ack":        {func(c *jetstream.StreamConfig) { c.NoAck = true }, "no ack is true", true, false},
	"sealed":        {func(c *jetstream.StreamConfig) { c.Sealed = true }, "sealed is true", true, true},
	"deny delete":   {func(c *jetstream.StreamConfig) { c.DenyDelete = true }, "refuses the deletion of messages", false, true},
	"rollup":        {func(c *jetstream.StreamConfig) { c.AllowRollup = true }, "rollups is true", false, false},
	"delete markers": {func(c *jetstream.StreamConfig) {
		c.AllowMsgTTL, c.AllowRollup, c.SubjectDeleteMarkerTTL = true, true, time.Minute
	}, "subject delete marker TTL is 1m0s, wanted is 0s", false, false},
	"fewer subjects": {func(c *jetstream.StreamConfig) { c.Subjects = []string{"customerio.other.>"} }, "subject customerio.", true, false},
	"transform": {func(c *jetstream.StreamConfig) {
		c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: ">", Destination: "x.>"}
	}, "subject transform is > to x.>", true, false},
	"sources": {func(c *jetstream.StreamConfig) { c.Sources = []*jetstream.StreamSource{{Name: "OTHER"}} }, "sources is OTHER", false, false},
	"mirror": {func(c *jetstream.StreamConfig) {
		c.Mirror, c.Subjects = &jetstream.StreamSource{Name: "OTHER"}, nil
	}, "mirror is OTHER", true, false},
	"counter":   {func(c *jetstream.StreamConfig) { c.AllowMsgCounter, c.Discard = true, jetstream.DiscardOld }, "message counter is true, wanted is false", true, true},
	"age":       {func(c *jetstream.StreamConfig) { c.MaxAge, c.Duplicates = time.Hour, time.Minute }, "", false, false},
	"unlimited": {func(c *jetstream.StreamConfig) { c.MaxMsgs, c.MaxConsumers, c.MaxMsgSize = 0, 0, 0 }, "", false, false},
	"operator's choice": {func(c *jetstream.StreamConfig) {
		c.Compression, c.AllowDirect, c.Metadata = jetstream.S2Compression, true, map[string]string{"team": "mail"}
	}, "", false, false},
}

// recreate replaces a stream by an edited one, as somebody could have made it at first.
func recreate(t *testing.T, js jetstream.JetStream, name string, edit func(*jetstream.StreamConfig)) {
	t.Helper()
	st, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := st.CachedInfo().Config
	edit(&cfg)
	cfg.Metadata = nil
	if err := js.DeleteStream(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	sealed := cfg.Sealed
	cfg.Sealed = false
	if _, err := js.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if sealed {
		cfg.Sealed = true
		if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
}

// A stream that somebody has made by hand is named by Ensure and status. Apply sets back
// what NATS changes, and the rest stays named.
func TestHandMadeStream(t *testing.T) {
	t.Parallel()
	for name, tt := range handMades {
		for _, which := range []string{stream.Name, stream.DeadName} {
			t.Run(name+" "+which, func(t *testing.T) {
				t.Parallel()
				tt.test(t, which)
			})
		}
	}
}

func (tt handMade) test(t *testing.T, which string) {
	t.Helper()
	srv := streamtest.Start(t)
	conn, js := srv.Connect(stream.Settings{}), jetStream(t, srv)
	if strings.Contains(tt.says, "OTHER") {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OTHER", Subjects: []string{"other"}}); err != nil {
			t.Fatal(err)
		}
	}
	recreate(t, js, which, tt.edit)
	isNamed := func(list []string) bool {
		return slices.ContainsFunc(list, func(s string) bool {
			return strings.Contains(s, "stream "+which) && strings.Contains(s, tt.says)
		})
	}
	ensured, err := conn.Ensure(t.Context(), stream.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if got := status(t, conn).Problems; tt.says != "" && (!isNamed(got) || !isNamed(ensured)) || tt.says == "" && len(got) > 0 {
		t.Errorf("status %q, ensure %q; want %q", got, ensured, tt.says)
	}
	if err := conn.Apply(t.Context(), stream.Settings{}, tt.says != "sealed is true"); err != nil {
		t.Fatal(err)
	}
	after := status(t, conn).Problems
	if tt.stays {
		if !isNamed(after) || !strings.Contains(fmt.Sprint(after), "recreate the stream as docs/operations.md says") {
			t.Errorf("after apply %q, want %q and the steps", after, tt.says)
		}
		return
	}
	if ensured, err = conn.Ensure(t.Context(), stream.Settings{}); err != nil || len(after)+len(ensured) > 0 {
		t.Errorf("after apply: status %q, ensure %q, %v", after, ensured, err)
	}
}

// A property that breaks a promise makes a running program not ready, and its publishers
// refuse messages until the stream is set right: the stream would acknowledge a message
// and lose it. Other properties are a note.
func TestEditedStreamOfARunningProgram(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"memory", "discard old", "per subject", "interest", "tiny messages", "message size", "deny delete"} {
		tt := handMades[name]
		for _, which := range []string{stream.Name, stream.DeadName} {
			t.Run(name+" "+which, func(t *testing.T) {
				t.Parallel()
				srv := streamtest.Start(t)
				srv.Connect(stream.Settings{})
				conn, log := keeping(t, srv.URL())
				recreate(t, jetStream(t, srv), which, tt.edit)
				within(t, "the log", func() bool { return log.count(tt.says) == 1 })
				err := conn.Ready(t.Context())
				if tt.breaks != (err != nil) || tt.breaks && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("Ready says %v", err)
				}
				if notes := conn.Notes(); !strings.Contains(strings.Join(notes, "\n"), tt.says) {
					t.Errorf("notes %q", notes)
				}
				p := publisher(t, conn)
				if err := publishTo(t, p, which); errors.Is(err, event.ErrStreamUnavailable) != tt.breaks || tt.breaks && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("publish: %v", err)
				}
				if tt.stays {
					srv.DeleteStream(which) // the documented step
				} else if err := srv.Connect(stream.Settings{}).Apply(t.Context(), stream.Settings{}, true); err != nil {
					t.Fatal(err)
				}
				within(t, "the end of the refusal", func() bool { return publishTo(t, p, which) == nil })
			})
		}
	}
}

// publishTo stores an event or a dead letter.
func publishTo(t *testing.T, p *stream.Publisher, which string) error {
	t.Helper()
	if which == stream.DeadName {
		return p.StoreDeadLetter(t.Context(), &event.DeadLetter{Message: *message("d"), From: "some", Reason: fault.ReasonPanic, StoredAt: received})
	}
	_, err := p.Publish(t.Context(), message("e"))
	return err
}

// An operator's choices survive apply.
func TestApplyKeepsTheOperatorsChoices(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn, js := srv.Connect(stream.Settings{}), jetStream(t, srv)
	recreate(t, js, stream.Name, func(c *jetstream.StreamConfig) {
		c.Compression, c.RePublish, c.MaxMsgs = jetstream.S2Compression, &jetstream.RePublish{Source: ">", Destination: "copy.>"}, 7
	})
	if err := conn.Apply(t.Context(), stream.Settings{}, false); err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(t.Context(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	if cfg := st.CachedInfo().Config; cfg.Compression != jetstream.S2Compression || cfg.RePublish == nil || cfg.MaxMsgs != -1 {
		t.Errorf("configuration after apply %+v", cfg)
	}
}
