// Package customeriotest is a stand-in for Customer.io's Track API: an
// http.Handler that keeps profiles as Customer.io does. Tests ask it what became
// of a person, and the demo runs against it.
//
// What it imitates: basic authentication; persons addressed by id, by e-mail
// address (in any case) or by cio_ and their cio_id; identify with _update and
// _timestamp, where of two values for one attribute the one with the later
// timestamp stays; that an identify by an unknown cio_id changes nothing;
// suppress, which deletes the profile and blocks its id and e-mail address;
// unsuppress and delete; batches, of which some items may be refused; the
// documented size limits; and that a call which
// changes nothing is answered 200 all the same.
//
// What it does not imitate: the effects of tracked events, devices, segments,
// merging, anonymous people, relationships, subscription preferences, and the
// delay between an answer and its effect. Of the v2 API it has the batch, with
// people only. A body is refused for an
// attribute that is too long where Customer.io may cut or drop that attribute.
package customeriotest

import (
	"cmp"
	"net/http"
	"sync"
	"time"
)

// A Config configures a Fake. The zero Config works: it lets everybody in.
type Config struct {
	// SiteID and APIKey are the credentials that are accepted; with both empty,
	// any are.
	SiteID, APIKey string
	// Region is the account's region; "us" by default.
	Region string
	// KnowsEverybody makes a person who was never heard of count as one who
	// exists, so that the first update creates the profile in spite of _update,
	// also by cio_id. It is for simulations, which send messages to people whom
	// nobody has seeded. Whoever was deleted or suppressed stays away.
	KnowsEverybody bool
	// Rate is how many calls a second are let through before 429; 0 is no limit.
	Rate int
	// CallLog is how many of the last calls Calls returns; 10,000 by default. A
	// call takes about 1 KB.
	CallLog int
	// Now is the clock; time.Now by default. It stamps attributes that come
	// without _timestamp.
	Now func() time.Time
}

// A Fake is a workspace of Customer.io. It is safe for concurrent use. Its
// memory grows with the people it knows, about 1 KB each, and not with the calls.
type Fake struct {
	cfg Config
	mux *http.ServeMux

	mu     sync.Mutex
	people people
	log    callLog
	counts Counts
	window window
	fault  func(*http.Request) *Fault
	events map[string]bool // the ids of events that have been there
}

// New returns a workspace without people.
func New(cfg Config) *Fake {
	cfg.Region = cmp.Or(cfg.Region, "us")
	cfg.CallLog = cmp.Or(cfg.CallLog, 10_000)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	f := &Fake{cfg: cfg, people: newPeople(cfg.KnowsEverybody), log: callLog{size: cfg.CallLog}, events: map[string]bool{}}
	f.mux = f.routes()
	return f
}

// Seed puts people into the workspace. A profile without a CioID is given one.
func (f *Fake) Seed(profiles ...Profile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range profiles {
		f.people.seed(p)
	}
}

// Profile returns the person whom the identifier (an id, an e-mail address, or
// cio_ and a cio_id) belongs to.
func (f *Fake) Profile(identifier string) (Profile, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.people.find(keyOf(identifier))
	if !ok {
		return Profile{}, false
	}
	return p.export(), true
}

// Profiles returns everybody, in the order of their creation.
func (f *Fake) Profiles() []Profile {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.people.all()
}

// Suppressed reports whether the identifier is blocked.
func (f *Fake) Suppressed(identifier string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.people.blocked[keyOf(identifier)]
}

// Calls returns the last calls, the oldest first: those that were accepted,
// whether they changed anything or not.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.all()
}

// Counts returns what has happened since the start.
func (f *Fake) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}
