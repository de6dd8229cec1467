// A consumer of spam complaints: a program beside the workers, with a consumer of its own.
// docs/consumers.md explains the messages and the rules.
//
//	cioctl consumer create slack-complaints --metric spammed
//	NATS_URL=nats://127.0.0.1:4222 CONSUMER=slack-complaints go run ./go-consumer
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/pkg/webhook"
)

const (
	stream = "CUSTOMERIO"
	tries  = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("NATS_URL"), os.Getenv("CONSUMER")); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url, consumer string) error {
	// Answers come to subjects with this prefix: the program may subscribe to no other.
	nc, err := nats.Connect(url, nats.Name(consumer), nats.CustomInboxPrefix("_INBOX_"+consumer),
		nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	c, err := js.Consumer(ctx, stream, consumer)
	if err != nil {
		return fmt.Errorf("%w: create the consumer with: cioctl consumer create %s", err, consumer)
	}
	consuming, err := c.Consume(func(m jetstream.Msg) { settle(nc, consumer, m) }, jetstream.PullMaxMessages(100))
	if err != nil {
		return err
	}
	<-ctx.Done()
	consuming.Drain() // handle what has arrived
	<-consuming.Closed()
	return nil
}

// settle handles a message and always ends it on purpose: ack, another try, or dead letter.
func settle(nc *nats.Conn, consumer string, m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		return // not from a stream
	}
	err = handle(m)
	switch {
	case err == nil:
		err = m.Ack()
	case meta.NumDelivered < tries:
		err = m.NakWithDelay(time.Duration(meta.NumDelivered*meta.NumDelivered) * time.Second)
	default:
		if err = bury(nc, consumer, m, meta, err); err == nil {
			err = m.Term() // only after the dead letter is stored
		}
	}
	if err != nil {
		log.Printf("message %d comes again: %v", meta.Sequence.Stream, err)
	}
}

// handle must tolerate a message that comes twice. Here that is a second line.
func handle(m jetstream.Msg) error {
	e, err := webhook.Parse(m.Data())
	if err != nil {
		return err
	}
	fmt.Println(m.Headers().Get("Cio-Id"), e.Metric, e.Identifiers.CioID)
	return nil
}

// bury stores a dead letter, which cioctl dead list shows and cioctl dead redrive sends to
// this consumer again.
func bury(nc *nats.Conn, consumer string, m jetstream.Msg, meta *jetstream.MsgMetadata, cause error) error {
	h := nats.Header{}
	for name, values := range m.Headers() {
		if strings.HasPrefix(name, "Cio-") {
			h[name] = values
		}
	}
	h.Set("Nats-Msg-Id", fmt.Sprintf("%s:%s:%d", consumer, h.Get("Cio-Id"), meta.Timestamp.UnixNano()))
	h.Set("Cio-Reason", "rejected")
	h.Set("Cio-Error", strings.ReplaceAll(cause.Error(), "\n", " "))
	h.Set("Cio-Attempts", strconv.FormatUint(meta.NumDelivered, 10))
	h.Set("Cio-Subject", m.Subject())
	h.Set("Cio-Sequence", strconv.FormatUint(meta.Sequence.Stream, 10))
	h.Set("Cio-Stored-At", meta.Timestamp.UTC().Format(time.RFC3339Nano))
	h.Set("Cio-Died-At", time.Now().UTC().Format(time.RFC3339Nano))
	_, err := nc.RequestMsg(&nats.Msg{Subject: "customerio.dead." + consumer + ".rejected", Header: h, Data: m.Data()}, 5*time.Second)
	return err
}
