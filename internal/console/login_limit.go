package console

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of logins: of one address, and of all addresses together. The second bounds the
// processor time that argon2 needs. One guess in 12 s tries 7,200 passwords a day.
const (
	triesOfAddress = 5
	tryEvery       = 12 * time.Second
	triesOfAll     = 20
	anyTryEvery    = time.Second
	// maxAddresses bounds the memory for addresses.
	maxAddresses = 4096
)

// A loginLimit slows down guesses.
type loginLimit struct {
	all *rate.Limiter

	mu        sync.Mutex
	addresses map[string]*rate.Limiter
}

func newLoginLimit() *loginLimit {
	return &loginLimit{all: rate.NewLimiter(rate.Every(anyTryEvery), triesOfAll), addresses: map[string]*rate.Limiter{}}
}

// allow reports whether the address may try a password now.
func (l *loginLimit) allow(address string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.addresses[address]
	if of == nil {
		if len(l.addresses) >= maxAddresses {
			l.forget(now)
		}
		of = rate.NewLimiter(rate.Every(tryEvery), triesOfAddress)
		l.addresses[address] = of
	}
	return of.AllowN(now, 1) && l.all.AllowN(now, 1)
}

// forget removes the addresses that have all their tries again, or else all addresses:
// the limit of all addresses together remains.
func (l *loginLimit) forget(now time.Time) {
	for address, of := range l.addresses {
		if of.TokensAt(now) >= triesOfAddress {
			delete(l.addresses, address)
		}
	}
	if len(l.addresses) >= maxAddresses {
		clear(l.addresses)
	}
}
