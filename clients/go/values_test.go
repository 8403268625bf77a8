package smsgate

import (
	"testing"

	"google.golang.org/genproto/googleapis/type/money"

	pb "smsgate.internal/stubs/smsgate/v1"
)

func TestAnAmountIsReadAndShownExactly(t *testing.T) {
	cases := []struct {
		text  string
		units int64
		nanos int32
		shown string
	}{
		{"0.05 EUR", 0, 50_000_000, "0.05 EUR"},
		{"12 EUR", 12, 0, "12 EUR"},
		{"12.50EUR", 12, 500_000_000, "12.5 EUR"},
		{"-0.000000001 USD", 0, -1, "-0.000000001 USD"},
		{"-3.2 CHF", -3, -200_000_000, "-3.2 CHF"},
		{"999999999999.999999999 EUR", 999_999_999_999, 999_999_999, "999999999999.999999999 EUR"},
	}
	for _, each := range cases {
		sum, err := Money(each.text)
		if err != nil || sum.GetUnits() != each.units || sum.GetNanos() != each.nanos {
			t.Error(each.text, sum, err)
		}
		if shown := Amount(sum); shown != each.shown {
			t.Error(each.text, shown)
		}
	}
}

func TestWhatIsNoAmountIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "5", "EUR", "5 eur", "5,00 EUR", "1e3 EUR", "0.0000000001 EUR", ".5 EUR", "5 EURO",
		"1234567890123 EUR", "٣ EUR",
	} {
		if sum, err := Money(text); err == nil {
			t.Error(text, sum)
		}
	}
}

func TestAPriceThatIsNotKnownHasNoAmount(t *testing.T) {
	if Amount(nil) != "" || Amount(&money.Money{CurrencyCode: "EUR"}) != "0 EUR" {
		t.Fatal(Amount(nil))
	}
}

func TestAStatusIsShownAsPeopleReadIt(t *testing.T) {
	if name := StatusName(pb.MessageStatus_MESSAGE_STATUS_DELIVERED); name != "DELIVERED" {
		t.Error(name)
	}
	if name := StatusName(99); name != "99" {
		t.Error(name)
	}
}
