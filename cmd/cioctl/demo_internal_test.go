package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := &cli{out: &out, err: io.Discard}
	if err := c.runDemo(t.Context(), demoConfig{deliveries: 1000, seed: 3}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "Nothing is lost") {
		t.Errorf("the demo prints:\n%s", out.String())
	}
}

// Ctrl-C may come at any time, even just before a bar is drawn.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	c := &cli{out: io.Discard, err: io.Discard}
	d, err := c.newDemo(demoConfig{deliveries: 10}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.stack.Run(running) }()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.send(ended, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("sending ended with %v", err)
	}
	conn, err := d.stack.Connect()
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
