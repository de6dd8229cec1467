package customerio

import (
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A lane is how urgent a call is.
type lane int

const (
	urgent lane = iota // goes before every bulk call that waits
	bulk
)

// How the rate follows what the API bears.
const (
	// After a refusal the rate falls a little below where it was refused: at a
	// steady allowance it then stays near it. A second refusal soon after says
	// that the allowance is far lower.
	cutSlightly, cutDeeply = 0.95, 0.7
	soon                   = 5 * time.Second
	// A second of refusals is one refusal: what was under way says nothing new.
	cutEvery = time.Second
	// The rate grows by a tenth of the last rate that was borne in a second, and
	// from nine tenths of it by a five-hundredth, so that it is refused about
	// every half a minute while it looks for more.
	growFast, growSlowly = 1. / 10, 1. / 500
	near                 = 0.9
	// The least rate, in calls a second.
	slowest = 1
	// How late a timer may be without a loss of throughput.
	burstTime = 20 * time.Millisecond
	// The pause after a refusal that names none: rates are
	// counted by the second.
	refusedPause = time.Second
)

// A pace admits calls: so many at a time, so many a second, urgent ones first.
// It goes slower when the API says so, and comes back by itself.
type pace struct {
	mu      sync.Mutex
	bucket  *rate.Limiter
	most    float64 // what is configured, in calls a second
	borne   float64 // the last rate that was not refused, as far as is known
	rate    float64
	grown   time.Time
	cut     time.Time // of the last cut
	resume  time.Time // no call before
	free    int
	spare   int // slots that bulk calls leave to urgent ones
	waiting [2][]chan struct{}
	timer   *time.Timer
}

func newPace(perSecond float64, concurrency int) *pace {
	p := &pace{most: perSecond, borne: perSecond, rate: perSecond, grown: time.Now(), free: concurrency}
	if concurrency > 1 {
		p.spare = 1
	}
	p.bucket = rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond*burstTime.Seconds())))
	return p
}

// admit waits for a turn. The caller calls release when its call has ended.
func (p *pace) admit(ctx context.Context, l lane) (release func(), err error) {
	turn := make(chan struct{})
	p.mu.Lock()
	p.waiting[l] = append(p.waiting[l], turn)
	p.grant()
	p.mu.Unlock()
	select {
	case <-turn:
		return p.release, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.waiting[l], turn)
	if i < 0 { // its turn came at the same time
		p.free++
		p.grant()
		return nil, ctx.Err()
	}
	p.waiting[l] = slices.Delete(p.waiting[l], i, i+1)
	return nil, ctx.Err()
}

func (p *pace) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	p.grant()
}

// grant gives out the turns that there are, and comes back when the next is due.
func (p *pace) grant() {
	now := time.Now()
	p.grow(now)
	for {
		l, ok := p.next()
		if !ok {
			return
		}
		if wait := p.wait(now); wait > 0 {
			p.wake(wait)
			return
		}
		p.bucket.AllowN(now, 1)
		p.free--
		close(p.waiting[l][0])
		p.waiting[l] = p.waiting[l][1:]
	}
}

// next returns the lane that is served next, if there is a slot for it.
func (p *pace) next() (lane, bool) {
	switch {
	case p.free > 0 && len(p.waiting[urgent]) > 0:
		return urgent, true
	case p.free > p.spare && len(p.waiting[bulk]) > 0:
		return bulk, true
	default:
		return 0, false
	}
}

// wait is the time until the next call may begin.
func (p *pace) wait(now time.Time) time.Duration {
	if now.Before(p.resume) {
		return p.resume.Sub(now)
	}
	missing := 1 - p.bucket.TokensAt(now)
	if missing <= 1e-9 {
		return 0
	}
	return time.Duration(missing/p.rate*float64(time.Second)) + time.Nanosecond
}

func (p *pace) wake(wait time.Duration) {
	if p.timer != nil {
		p.timer.Reset(wait)
		return
	}
	p.timer = time.AfterFunc(wait, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.grant()
	})
}

// grow raises the rate for the time that has passed since the last time.
func (p *pace) grow(now time.Time) {
	seconds := now.Sub(p.grown).Seconds()
	p.grown = now
	if p.rate >= p.most || seconds <= 0 {
		return
	}
	step := growSlowly
	if p.rate < near*p.borne {
		step = growFast
	}
	p.set(now, min(p.most, p.rate+step*p.borne*seconds))
	p.borne = max(p.borne, p.rate)
}

// refused slows down because the API has asked for it, and pauses for as long as
// it has named.
func (p *pace) refused(pause time.Duration) {
	if pause == 0 {
		pause = refusedPause
	}
	p.slow(pause, true)
}

// strained slows down because the API does not answer as it should.
func (p *pace) strained(pause time.Duration) { p.slow(pause, false) }

func (p *pace) slow(pause time.Duration, allowance bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if until := now.Add(pause); until.After(p.resume) {
		p.resume = until
	}
	since := now.Sub(p.cut)
	if since < cutEvery {
		return
	}
	p.grow(now)
	factor := cutSlightly
	if since < soon || !allowance {
		factor = cutDeeply
	}
	p.cut = now
	if allowance {
		p.borne = p.rate
	}
	p.set(now, max(p.rate*factor, min(slowest, p.most)))
}

func (p *pace) set(now time.Time, perSecond float64) {
	p.rate = perSecond
	p.bucket.SetLimitAt(now, rate.Limit(perSecond))
}

// perSecond is the rate of now.
func (p *pace) perSecond() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grow(time.Now())
	return p.rate
}
