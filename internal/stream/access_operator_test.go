package stream_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// The list of TryAccess is complete: a user with these permissions alone may do all that
// cioctl does.
func TestOperatorNeedsNoMore(t *testing.T) {
	t.Parallel()
	allowed := append([]string{"$JS.API.STREAM.CREATE.KV_CIOEVENTS_STATE", "customerio.dead.>"}, stream.OperatorSubjects...) // for this test's own work
	srv := streamtest.Start(t, withConfig(t, fmt.Sprintf(`accounts { A { jetstream: enabled, users: [
		{user: o, password: o, permissions: {publish: ["%s"], subscribe: ["_INBOX.>"]}}] } }`, strings.Join(allowed, `","`))))
	conn, err := stream.Connect(stream.Config{URL: strings.Replace(srv.URL(), "nats://", "nats://o:o@", 1), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	p := publisher(t, conn)
	var id string
	dead := []uint64{1}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"create", func() error { _, err := conn.Ensure(ctx, stream.Settings{}); return err }},
		{"bucket", func() error { _, err := conn.CreateState(ctx, stream.Settings{}); return err }},
		{"apply", func() error { return conn.Apply(ctx, stream.Settings{MaxAge: 800 * time.Hour}, false) }},
		{"redrive", func() error {
			if _, err := p.Publish(ctx, message("a")); err != nil {
				return err
			}
			return p.StoreDeadLetter(ctx, &event.DeadLetter{Message: *message("a"), From: "b", Reason: fault.ReasonRejected, Sequence: 1})
		}},
		{"erase a person", func() error {
			if _, err := p.Publish(ctx, about("c", "jo@secret.example")); err != nil {
				return err
			}
			erased, err := conn.EventStore().Erase(ctx, []privacy.Person{jo}, privacy.EraseOptions{})
			if err == nil && erased.Events != 1 {
				err = fmt.Errorf("erased %+v", erased)
			}
			return err
		}},
		{"foreign", func() error { _, err := conn.CreateForeign(ctx, stream.ForeignConsumer{Name: "mine"}); return err }},
		{"status", func() error { _, err := conn.Status(ctx); return err }},
		{"event", func() error { _, err := conn.ReadEvent(ctx, 1); return err }},
		{"recent", func() error {
			return conn.ReadRecent(ctx, nil, 10, func(event.Attempt) bool { return true })
		}},
		{"list", func() error {
			return conn.ListDeadLetters(ctx, stream.DeadSelection{}, func(*event.StoredDeadLetter) bool { return true })
		}},
		{"show", func() error { _, err := conn.ReadDeadLetter(ctx, dead); return err }},
		{"drop", func() error { return conn.DeleteDeadLetter(ctx, dead) }},
		{"tail", func() error {
			return conn.TailEvents(ctx, stream.Selection{}, func(event.Attempt) bool { return true })
		}},
		{"replay", func() error {
			r, err := conn.StartReplay(ctx, stream.ReplayRequest{Target: "mine"})
			id = r.ID
			return err
		}},
		{"remains", func() error { _, _, err := conn.Remaining(ctx, id); return err }},
		{"cancel", func() error { return conn.DeleteReplay(ctx, id) }},
		{"start", func() error { return conn.StartConsumer(ctx, "suppression", 0) }},
		{"oldest", func() error { _, err := conn.Oldest(ctx, "mine"); return err }},
		{"delete", func() error { return conn.DeleteConsumer(ctx, "mine") }},
		{"servers", func() error { _, _, err := conn.Replicas(ctx); return err }},
		{"state", func() error { return conn.State().Delete(ctx, "key") }},
		{"dead letters of a person", func() error { _, err := conn.DeadStore().Find(ctx, []privacy.Person{jo}); return err }},
		{"erase", func() error { return conn.AddErased(ctx, []privacy.Erasure{{Mark: "a:1"}}) }},
		{"erased", func() error { _, err := conn.ListErased(ctx); return err }},
		{"forget", func() error { return conn.RemoveErased(ctx, []string{"a:1"}) }},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
}
