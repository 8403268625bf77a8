package smsgate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/type/money"

	pb "smsgate.internal/stubs/smsgate/v1"
)

const nanoDigits = 9

// At most 12 digits: what the gateway can hold, and far from the end of an int64.
var amountPattern = regexp.MustCompile(`^(-?)(\d{1,12})(?:\.(\d{1,9}))? ?([A-Z]{3})$`)

// StatusName is a status as people read it: DELIVERED.
func StatusName(status pb.MessageStatus) string {
	return strings.TrimPrefix(status.String(), "MESSAGE_STATUS_")
}

// Money is an amount such as "0.05 EUR", exact.
func Money(text string) (*money.Money, error) {
	parts := amountPattern.FindStringSubmatch(text)
	if parts == nil {
		return nil, fmt.Errorf("smsgate: %q is no amount such as \"0.05 EUR\"", text)
	}
	// The pattern lets only digits through, and few enough.
	units, _ := strconv.ParseInt(parts[1]+parts[2], 10, 64)
	fraction := parts[3] + strings.Repeat("0", nanoDigits-len(parts[3]))
	nanos, _ := strconv.ParseInt(parts[1]+fraction, 10, 32)
	return &money.Money{CurrencyCode: parts[4], Units: units, Nanos: int32(nanos)}, nil
}

// Amount is a sum as text that Money reads, exact: "0.05 EUR". It is empty for nil: not known.
func Amount(sum *money.Money) string {
	if sum == nil {
		return ""
	}
	units, nanos, sign := sum.GetUnits(), int64(sum.GetNanos()), ""
	if units < 0 || nanos < 0 {
		units, nanos, sign = -units, -nanos, "-"
	}
	fraction := strings.TrimRight(fmt.Sprintf("%0*d", nanoDigits, nanos), "0")
	if fraction != "" {
		fraction = "." + fraction
	}
	return fmt.Sprintf("%s%d%s %s", sign, units, fraction, sum.GetCurrencyCode())
}
