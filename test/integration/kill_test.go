package integration_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/test/lab"
)

// Two workers are killed again and again while the Track API refuses some calls, loses
// some answers and fails for a second. In the end the profiles match the model.
func TestWorkersKilledAtRandom(t *testing.T) {
	t.Parallel()
	h := lab.NewHistory(lab.HistoryConfig{Seed: 7, People: 1000, Opens: 10_000, Others: 600, End: time.Now()})
	p := start(t)
	p.startTrackAPI(customeriotest.Config{Rate: 200, CallLog: 1}, h.People()...)
	p.env["WORKER_CONSUMERS"] = "suppression,engagement"
	begin := time.Now()
	p.api.FailSometimes(begin.Add(2*time.Second), begin.Add(3*time.Second), 50, rand.New(rand.NewPCG(7, 1)))
	p.publish(h, 0, h.Len()/2)
	workers := [2]*lab.Process{p.workerProcess(), p.workerProcess()}
	published := make(chan struct{})
	go func() {
		defer close(published)
		p.publish(h, h.Len()/2, h.Len())
	}()
	when := rand.New(rand.NewPCG(7, 2))
	for range 6 {
		<-time.After(time.Duration(500+when.IntN(1000)) * time.Millisecond)
		w := workers[when.IntN(2)]
		w.Kill()
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
	}
	<-published
	p.drained(2, 2*time.Minute)
	if err := h.Check(p.api.Fake); err != nil {
		t.Error(err)
	}
	p.noDeadLetters()
}
