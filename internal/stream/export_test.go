package stream

// RedriveSubject is redriveSubject, for tests.
var RedriveSubject = redriveSubject

// OperatorSubjects are the subjects that TryAccess tries for an operator.
var OperatorSubjects = roles[0].publish
