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
	urgent lane = iota // goes before every waiting bulk call
	bulk
)

// How the rate follows the allowance, which is the rate that the API accepts.
const (
	// After a refusal the rate falls to cutSlightly of the refused rate, and so stays
	// near a steady allowance. A second refusal within refusedAgain shows that the
	// allowance is far lower: the rate falls to cutDeeply.
	cutSlightly, cutDeeply = 0.95, 0.7
	refusedAgain           = 5 * time.Second
	// All refusals within cutEvery count as one refusal, because the refused calls
	// were under way together.
	cutEvery = time.Second
	// Each second the rate grows by a tenth of the last accepted rate. From nine tenths
	// of the last accepted rate on, the rate grows by a five-hundredth. A growing rate
	// is therefore refused about every half a minute.
	growFast, growSlowly = 1. / 10, 1. / 500
	near                 = 0.9
	// minRate is the lowest rate, in calls a second.
	minRate = 1
	// burstTime is the delay of a timer that costs no throughput.
	burstTime = 20 * time.Millisecond
	// refusedPause is the pause after a refusal that names no wait: Customer.io counts
	// calls by the second.
	refusedPause = time.Second
)

// A pace limits the number of calls at a time and the number of calls a second. Urgent
// calls go first. The rate falls when the API refuses calls, and recovers by itself.
type pace struct {
	mu       sync.Mutex
	bucket   *rate.Limiter
	maxRate  float64 // the configured rate, in calls a second
	accepted float64 // the last rate that the API accepted, as far as is known
	rate     float64
	grown    time.Time // of the last growth
	cut      time.Time // of the last cut
	resume   time.Time // no call begins earlier
	free     int       // slots
	spare    int       // slots that bulk calls leave to urgent calls
	waiting  [2][]chan struct{}
	timer    *time.Timer
}

func newPace(perSecond float64, concurrency int) *pace {
	p := &pace{maxRate: perSecond, accepted: perSecond, rate: perSecond, grown: time.Now(), free: concurrency, spare: min(1, concurrency-1)}
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
	if i < 0 { // the turn came at the same moment
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

// grant grants the turns that are due, and sets a timer for the next turn.
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

// next returns the next lane to serve, and false without a free slot.
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

// grow raises the rate for the time since the last growth.
func (p *pace) grow(now time.Time) {
	seconds := now.Sub(p.grown).Seconds()
	p.grown = now
	if p.rate >= p.maxRate || seconds <= 0 {
		return
	}
	step := growSlowly
	if p.rate < near*p.accepted {
		step = growFast
	}
	p.set(now, min(p.maxRate, p.rate+step*p.accepted*seconds))
	p.accepted = max(p.accepted, p.rate)
}

// slow lowers the rate and pauses for the answer's Retry-After. refused says that the
// API has answered 429: slow then pauses for refusedPause if pause is 0. Otherwise the
// API answers with errors or not at all.
func (p *pace) slow(pause time.Duration, refused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if refused && pause == 0 {
		pause = refusedPause
	}
	if until := now.Add(pause); until.After(p.resume) {
		p.resume = until
	}
	since := now.Sub(p.cut)
	if since < cutEvery {
		return
	}
	p.grow(now)
	factor := cutSlightly
	if since < refusedAgain || !refused {
		factor = cutDeeply
	}
	p.cut = now
	if refused {
		p.accepted = p.rate
	}
	p.set(now, max(p.rate*factor, min(minRate, p.maxRate)))
}

func (p *pace) set(now time.Time, perSecond float64) {
	p.rate = perSecond
	p.bucket.SetLimitAt(now, rate.Limit(perSecond))
}

// perSecond returns the current rate, in calls a second.
func (p *pace) perSecond() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grow(time.Now())
	return p.rate
}
