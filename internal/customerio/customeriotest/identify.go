package customeriotest

// identify applies the body of an identify call. identify returns false when the call
// has no person to change. now is the time of a body without _timestamp.
func (pp *people) identify(k key, body map[string]any, now int64) bool {
	p, ok := pp.resolve(k, body)
	if !ok {
		return false
	}
	at, ok := body["_timestamp"].(int64)
	if !ok {
		at = now
	}
	for name, value := range body {
		switch name {
		case "_update", "_timestamp", "cio_id", "id", "email":
		default:
			p.set(name, value, at)
		}
	}
	// Customer.io changes an identifier if the person has no such identifier yet, or if
	// the call addresses the person by cio_id.
	current := map[string]string{"id": p.ID, "email": p.Email}
	for _, other := range bodyKeys(body) {
		if current[other.kind] == "" || k.kind == "cio_id" {
			pp.assign(p, other)
		}
	}
	return true
}

// resolve finds or creates the person of a call.
func (pp *people) resolve(k key, body map[string]any) (*person, bool) {
	if pp.blocked[k] {
		return nil, false
	}
	if p, ok := pp.byKey[k]; ok {
		return p, true
	}
	if k.kind != "cio_id" {
		for _, other := range bodyKeys(body) {
			if pp.blocked[other] {
				return nil, false
			}
			if p, ok := pp.byKey[other]; ok && pp.assign(p, k) {
				return p, true
			}
		}
	}
	update, _ := body["_update"].(bool)
	if !pp.knowsEverybody && (update || k.kind == "cio_id") {
		return nil, false
	}
	return pp.create(k), true
}

func bodyKeys(body map[string]any) []key {
	id, _ := body["id"].(string)
	email, _ := body["email"].(string)
	return keysOf(id, email, "")
}
