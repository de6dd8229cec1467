package stream

// RedriveSubject is redriveSubject, for tests.
var RedriveSubject = redriveSubject
