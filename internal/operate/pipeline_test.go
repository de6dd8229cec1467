package operate_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A pipeline is a NATS server of this test, without ingest and workers.
type pipeline struct {
	t    *testing.T
	srv  *streamtest.Server
	conn *stream.Conn
	pub  *stream.Publisher
}

func newPipeline(t *testing.T) *pipeline {
	t.Helper()
	p := &pipeline{t: t, srv: streamtest.Start(t)}
	p.conn = p.srv.Connect(stream.Settings{})
	var err error
	if p.pub, err = stream.NewPublisher(p.conn, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.pub.Close)
	return p
}

func (p *pipeline) publish(id, metric string) *event.Message {
	p.t.Helper()
	m := &event.Message{Workspace: "acme", ID: id, ObjectType: "email", Metric: metric, ReceivedAt: now, Body: []byte(`{"event_id":"` + id + `"}`)}
	if _, err := p.pub.Publish(p.t.Context(), m); err != nil {
		p.t.Fatal(err)
	}
	return m
}

func (p *pipeline) consumer(name string) *stream.Consumer {
	p.t.Helper()
	c, err := p.conn.OpenConsumer(p.t.Context(), name, []string{stream.AllEvents})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

// deadLetter stores a dead letter with this body.
func (p *pipeline) deadLetter(from string, reason fault.Reason, body string) {
	p.t.Helper()
	m := event.Message{Workspace: "acme", ID: body, ObjectType: "email", Metric: "opened", ReceivedAt: now, Body: []byte(body)}
	d := event.DeadLetter{Message: m, From: from, Reason: reason, Err: "why", DiedAt: now}
	if err := p.pub.StoreDeadLetter(p.t.Context(), &d); err != nil {
		p.t.Fatal(err)
	}
}
