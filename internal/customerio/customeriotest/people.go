package customeriotest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Profile is a person.
type Profile struct {
	CioID string
	ID    string
	Email string // lower case, because an address identifies one person in any case
	Phone string // E.164
	// Attributes are strings, booleans, int64, float64 and other JSON values, without
	// identifiers, _update and _timestamp.
	Attributes map[string]any
}

// A key is an identifier and its kind.
type key struct{ kind, value string }

// keyOf tells the kind of an identifier from its form, as Customer.io does.
func keyOf(identifier string) key {
	if id, ok := strings.CutPrefix(identifier, "cio_"); ok {
		return key{"cio_id", id}
	}
	if strings.Contains(identifier, "@") {
		return emailKey(identifier)
	}
	return key{"id", identifier}
}

func emailKey(email string) key { return key{"email", strings.ToLower(email)} }

// keysOf returns the keys of the identifiers that are not empty.
func keysOf(id, email, phone string) []key {
	keys := []key{{"id", id}, emailKey(email), {"phone", phone}}
	return slices.DeleteFunc(keys, func(k key) bool { return k.value == "" })
}

type person struct {
	Profile
	times map[string]int64 // of the attributes
}

func (p *person) export() Profile {
	out := p.Profile
	out.Attributes = maps.Clone(p.Attributes)
	return out
}

// set writes an attribute unless the attribute has a value with a later time. With
// equal times the later call wins.
func (p *person) set(name string, value any, at int64) {
	if last, ok := p.times[name]; ok && last > at {
		return
	}
	p.Attributes[name], p.times[name] = value, at
}

// people are the profiles of a workspace, and the identifiers that may not be used
// again.
type people struct {
	knowsEverybody bool
	created        []*person // also suppressed people
	byKey          map[key]*person
	blocked        map[key]bool // suppressed
}

func (pp *people) all() []Profile {
	out := make([]Profile, 0, len(pp.created))
	for _, p := range pp.created {
		if pp.byKey[key{"cio_id", p.CioID}] == p {
			out = append(out, p.export())
		}
	}
	return out
}

func (pp *people) create(k key) *person {
	p := &person{Profile{Attributes: map[string]any{}}, map[string]int64{}}
	pp.created = append(pp.created, p)
	if k.kind == "cio_id" {
		p.CioID = k.value
	} else {
		p.CioID = fmt.Sprintf("fa4e%08x", len(pp.created))
	}
	pp.byKey[key{"cio_id", p.CioID}] = p
	pp.assign(p, k)
	return p
}

// assign gives p an identifier, unless the identifier belongs to another person.
func (pp *people) assign(p *person, k key) bool {
	if owner, ok := pp.byKey[k]; ok && owner != p || pp.blocked[k] {
		return false
	}
	switch k.kind {
	case "id":
		delete(pp.byKey, key{"id", p.ID})
		p.ID = k.value
	case "email":
		delete(pp.byKey, emailKey(p.Email))
		p.Email = k.value
	case "phone":
		delete(pp.byKey, key{"phone", p.Phone})
		p.Phone = k.value
	}
	pp.byKey[k] = p
	return true
}

func (pp *people) seed(profile Profile) {
	k := key{"", ""}
	if profile.CioID != "" {
		k = key{"cio_id", profile.CioID}
	}
	p := pp.create(k)
	for _, k := range keysOf(profile.ID, profile.Email, profile.Phone) {
		pp.assign(p, k)
	}
	for name, value := range profile.Attributes {
		p.set(name, value, 0)
	}
}

// suppress deletes the person with the key, if there is a person. The person's
// identifiers are never used again.
func (pp *people) suppress(k key) {
	keys := []key{k}
	if p, ok := pp.byKey[k]; ok {
		keys = append(keysOf(p.ID, p.Email, p.Phone), key{"cio_id", p.CioID})
	}
	for _, k := range keys {
		delete(pp.byKey, k)
		pp.blocked[k] = true
	}
}
