package stream

// RedriveSubject is redriveSubject, for tests.
var RedriveSubject = redriveSubject

// OperatorSubjects are the subjects that TryAccess tries for an operator.
var OperatorSubjects = roles[0].publish

// Received is the number of messages that the connection has received.
func (c *Conn) Received() uint64 { return c.nc.Stats().InMsgs }

// PretendErased makes the store believe that it has deleted all messages it knows.
func (s *EventStore) PretendErased() { s.seen.places, s.seen.deleted = nil, s.seen.places }
