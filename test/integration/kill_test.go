package integration_test

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/test/lab"
)

// Two workers are killed again and again while the Track API refuses some calls, loses
// some answers and fails for a second. In the end the profiles match the model.
func TestWorkersKilledAtRandom(t *testing.T) {
	t.Parallel()
	h := lab.NewHistory(lab.HistoryConfig{Seed: 7, People: 1000, Opens: 10_000, Others: 600, End: time.Now(), Workspace: "default"})
	p := start(t)
	p.startTrackAPI(customeriotest.Config{Rate: 200, CallLog: 1}, h.People()...)
	p.env["WORKER_CONSUMERS"] = "suppression,engagement"
	r := rand.New(rand.NewPCG(7, 1))
	begin := time.Now()
	p.api.SetFault(func(*http.Request) *customeriotest.Fault {
		switch since := time.Since(begin); {
		case since > 2*time.Second && since < 3*time.Second:
			return &customeriotest.Fault{Status: http.StatusServiceUnavailable}
		case r.IntN(50) == 0:
			return &customeriotest.Fault{Drop: true, AfterEffect: true}
		}
		return nil
	})
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
