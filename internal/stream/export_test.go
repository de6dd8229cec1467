package stream

// RedriveSubject is for tests.
var RedriveSubject = redriveSubject
