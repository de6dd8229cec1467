package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/dev"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := runDemo(t.Context(), demoConfig{Deliveries: 1000, Seed: 3}, &out, io.Discard); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "Nothing is lost") {
		t.Errorf("the demo prints:\n%s", out.String())
	}
}

// Ctrl-C may come at any time, also just before a bar is shown.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	cfg, err := demoStack(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stack, err := dev.New(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- stack.Run(running) }()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	d := &demo{stack: stack, campaign: campaignOf(demoConfig{Deliveries: 10}), progress: io.Discard}
	if _, err := d.send(ended, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("sending ended with %v", err)
	}
	conn, err := stack.Connect()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.drain(ended, conn, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("draining ended with %v", err)
	}
	conn.Close()
	stop()
	if err := <-done; err != nil {
		t.Errorf("the stack ended with %v", err)
	}
}
