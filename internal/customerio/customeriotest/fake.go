// Package customeriotest has fakes of Customer.io's Track API and App API, for tests and
// for the demo of cioctl: Fake and App. A Fake is an http.Handler that keeps profiles as
// Customer.io does.
//
// A Fake imitates
//   - basic authentication
//   - people addressed by id, by e-mail address (in any case), or by cio_ and a cio_id,
//     and in the v2 API also by phone number; in a path a phone number is an id
//   - identify with _update and _timestamp: of two values for one attribute the value
//     with the later timestamp stays
//   - an identify with an unknown cio_id, which changes nothing
//   - suppress, which deletes the profile and blocks its id, e-mail address and phone
//     number
//   - batches, of which some items may be refused
//   - the documented size limits
//   - the answer 200 to a call that changes nothing
//
// A Fake does not imitate unsuppress, delete, the effects of tracked events, devices,
// segments, merging, anonymous people, relationships, subscription preferences, and the
// delay between an answer and its effect. Of the v2 API a Fake knows people only. A
// Fake refuses a body with an attribute that is too long, where Customer.io may cut or
// drop the attribute.
package customeriotest

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
)

// A Config configures a Fake. The zero Config accepts any credentials.
type Config struct {
	// SiteID and APIKey are the accepted credentials. Default: any credentials.
	SiteID, APIKey string
	// Region is the region of the account. Default "us".
	Region string
	// NoPhones refuses phone numbers, as a workspace does that has not made phone
	// numbers an identifier of people.
	NoPhones bool
	// KnowsEverybody lets the first update of an unknown person create the profile,
	// in spite of _update and also by cio_id. Simulations need KnowsEverybody, because
	// simulations send messages to people who were not seeded. A suppressed person is
	// not created again.
	KnowsEverybody bool
	// Rate is the number of calls a second before the answer 429. Default: no limit.
	Rate int
	// CallLog is the number of last calls that Calls returns. A call takes about 1 KB.
	// Default 10,000.
	CallLog int
}

// A Fake is a workspace of Customer.io. A Fake is safe for concurrent use. A Fake takes
// about 1 KB of memory for each person. Calls beyond CallLog take no memory.
type Fake struct {
	faults
	cfg Config
	mux *http.ServeMux

	mu     sync.Mutex
	people people
	calls  []Call // the last CallLog calls
	counts Counts

	second   int64 // the second of the last call, and its calls
	inSecond int
}

// New returns a workspace without people.
func New(cfg Config) *Fake {
	cfg.Region = cmp.Or(cfg.Region, "us")
	cfg.CallLog = cmp.Or(cfg.CallLog, 10_000)
	f := &Fake{cfg: cfg, people: people{knowsEverybody: cfg.KnowsEverybody, byKey: map[key]*person{}, blocked: map[key]bool{}}}
	f.mux = f.routes()
	return f
}

// Seed adds people to the workspace. A profile without a CioID gets a new CioID.
func (f *Fake) Seed(profiles ...Profile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range profiles {
		f.people.seed(p)
	}
}

// Profile returns the person with the identifier: an id, an e-mail address, cio_ and a
// cio_id, or a phone number.
func (f *Fake) Profile(identifier string) (Profile, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range []key{keyOf(identifier), {"phone", identifier}} {
		if p, ok := f.people.byKey[k]; ok {
			return p.export(), true
		}
	}
	return Profile{}, false
}

// Profiles returns all people, in the order of their creation.
func (f *Fake) Profiles() []Profile {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.people.all()
}

// Suppressed reports whether the identifier is blocked.
func (f *Fake) Suppressed(identifier string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.people.blocked[keyOf(identifier)] || f.people.blocked[key{"phone", identifier}]
}

// Calls returns the last accepted calls, the oldest first, also calls that changed
// nothing.
func (f *Fake) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Counts returns the numbers of calls since the start.
func (f *Fake) Counts() Counts {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.counts
	c.Requests, c.Faults = f.faults.counts()
	return c
}
