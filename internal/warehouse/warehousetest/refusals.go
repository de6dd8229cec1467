package warehousetest

// A RefusedMail is the failure message of a bounce, and the warehouse.Refusal in it.
type RefusedMail struct{ Text, Want string }

// Refusals are failure messages of bounces that are not hard. Sources: Gmail,
// https://support.google.com/a/answer/3726730 and https://smtp.codes/google; Microsoft,
// https://support.microsoft.com/topic/34cfe8f8-6fbf-457e-9e8b-9e4dbaf4e0ef; Yahoo,
// https://smtp.codes/yahoo; blocks,
// https://help.returnpath.com/hc/en-us/articles/220565487 and
// https://mxtoolbox.com/Bouncebacks. Texts without a provider's name were made up.
func Refusals() []RefusedMail {
	const unauthenticated, blocked = "unauthenticated", "blocked"
	return []RefusedMail{
		// Gmail.
		{"550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n550-5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.", unauthenticated},
		{"550, \"5.7.26\" This message fails to pass SPF checks for an SPF record with a hard fail policy (-all).", unauthenticated},
		{"421-4.7.26 This mail has been rate limited because it is unauthenticated.", unauthenticated},
		{"550-5.7.27 This mail has been blocked because SPF authentication did not pass.", unauthenticated},
		{"550 5.7.30 This mail has been blocked because DKIM does not pass.", unauthenticated},
		{"421-4.7.32 This mail has been rate limited because the From: header is not aligned.", unauthenticated},
		{"421-4.7.0 This message does not have authentication information or fails to pass authentication checks.", unauthenticated},
		{"421 4.7.0 [192.0.2.7] Our system has detected that this message is suspicious due to the very low reputation of the sending domain. To best protect our users from spam, the message has been blocked.", blocked},
		{"550-5.7.25 [192.0.2.7] The IP address sending this message does not have a PTR record setup.", blocked},
		{"550-5.7.1 [192.0.2.7] Our system has detected that this message is likely unsolicited mail.", blocked},
		{"421 4.7.28 [192.0.2.7] Our system has detected an unusual rate of unsolicited mail originating from your IP address.", ""},
		{"452 4.2.2 The email account that you tried to reach is over quota", ""},
		// Microsoft.
		{"550; 5.7.515 Access denied, sending domain example.com does not meet the required authentication level.", unauthenticated},
		{"550 SC-001 (BAY004-MC4F3) Unfortunately, messages from IP 192.0.2.7 weren't sent. Please contact your Internet service provider since part of their network is on our block list.", blocked},
		{"550 5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. (S3150)", blocked},
		// Yahoo.
		{"550 5.7.9 This mail has been blocked because the sender is unauthenticated.", unauthenticated},
		{"554 5.7.9 Message not accepted for policy reasons.", blocked},
		{"smtp;554 Message not allowed - [PH01] Email not accepted for policy reasons. Please visit [120]", blocked},
		{"553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.7, because the ip is in Spamhaus's list", blocked},
		{"421 4.7.0 [TSS04] Messages from 192.0.2.7 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1", ""},
		// Others.
		{"554-No SMTP service\n554-Bad DNS PTR resource record.", blocked},
		{"Your email was blocked because it is on the Spamcop Blocklist.", blocked},
		{"554", blocked},
		{"gave up (554)", blocked},
		{"#5.7.1 smtp;550 5.7.1 relaying denied", blocked},
		{"Refused with 5.7.1.", blocked},
		{"554 5.4.14 Hop count exceeded - possible mail loop", ""},
		{"554 4.4.7 message expired", ""},
		{"552 5.3.4 message size exceeds fixed limit", ""},
		{"connect to 192.5.7.26: connection timed out", ""},
		{"gateway 5.7.1.2 is away", ""},
		{"queue id a554 5554, size 5540", ""},
		{"unblocked", ""},
		{"", ""},
	}
}
