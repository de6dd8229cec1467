package manifests_test

import "time"

func mailFailures() []failure {
	// later passes the time that the alerts about mail wait.
	later := func(s *site) {
		s.settle()
		s.pass(17, nil)
	}
	return []failure{
		{alert: "CioeventsComplaints", cause: func(s *site) {
			s.many("delivered", "", 20)
			s.many("spammed", "", 3)
			later(s)
		}},
		{alert: "CioeventsHardBounces", cause: func(s *site) {
			s.publish(200, "default", "sent")
			s.many("bounced", hard, 50)
			later(s)
		}},
		{alert: "CioeventsSenderUnauthenticated", cause: func(s *site) {
			s.event("bounced", `"failure_message":"550-5.7.26 This mail has been blocked because the sender is unauthenticated.",`)
			later(s)
		}},
		{alert: "CioeventsMailRefused", cause: func(s *site) {
			s.publish(200, "default", "sent")
			s.many("bounced", `"failure_message":"554 5.7.1 your host is on our block list",`, 20)
			later(s)
		}},
		{alert: "CioeventsOpensDropped", cause: (*site).openLess},
	}
}

// openLess lets people open 40 % of the e-mails for a week, and then 5 %. Mail arrives at
// noon, far from the midnights at which Prometheus evaluates a subquery by days.
func (s *site) openLess() {
	s.t.Helper()
	noon := s.now.Truncate(24 * time.Hour).Add(36 * time.Hour)
	s.passSteps(1, noon.Sub(s.now), nil)
	for day, opened := range []int{440, 440, 440, 440, 440, 440, 440, 55, 55} {
		s.passSteps(min(6*day, 6), 4*time.Hour, nil) // from noon to noon
		s.publish(1100, "default", "delivered")
		s.publish(opened, "default", "opened")
		s.settle()
	}
	s.passSteps(1, 4*time.Hour, nil)
	s.pass(17, nil)
}
