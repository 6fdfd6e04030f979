package vm

import (
	"fmt"
	"math/big"
	"strings"
)

// maxDigits bounds the digits of a decimal, so that no exponent makes a number
// of gigabytes.
const maxDigits = 1000

// decimal is units / 10^places, exactly.
type decimal struct {
	units  *big.Int
	places int
}

// parseDecimal reads "-1250.50", "+3", ".5" and "1.5e3".
func parseDecimal(text string) (decimal, error) {
	s := strings.TrimSpace(text)
	bad := fmt.Errorf("%q is no decimal; expected digits like \"1250.50\"", brief(text, 40))
	exponent := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, ok := smallInt(s[i+1:])
		if !ok {
			return decimal{}, bad
		}
		s, exponent = s[:i], n
	}
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = strings.TrimPrefix(s[:1], "+"), s[1:]
	}
	whole, part, _ := strings.Cut(s, ".")
	digits := whole + part
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return decimal{}, bad
	}
	if len(digits)+max(exponent, -exponent) > maxDigits {
		return decimal{}, fmt.Errorf("%q has more than %d digits", brief(text, 40), maxDigits)
	}
	units, ok := new(big.Int).SetString(sign+digits, 10)
	if !ok {
		return decimal{}, bad
	}
	d := decimal{units: units, places: len(part) - exponent}
	if d.places < 0 {
		d.units.Mul(d.units, powerOfTen(-d.places))
		d.places = 0
	}
	return d, nil
}

func smallInt(s string) (int, bool) {
	digits := strings.TrimPrefix(strings.TrimPrefix(s, "+"), "-")
	if digits == "" || len(digits) > 4 || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	n := 0
	for _, b := range []byte(digits) {
		n = n*10 + int(b-'0')
	}
	if s[0] == '-' {
		n = -n
	}
	return n, true
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// widened returns the same value with at least so many places.
func (d decimal) widened(places int) decimal {
	if d.places >= places {
		return d
	}
	return decimal{new(big.Int).Mul(d.units, powerOfTen(places-d.places)), places}
}

func (d decimal) add(e decimal) decimal {
	d, e = d.widened(e.places), e.widened(d.places)
	return decimal{new(big.Int).Add(d.units, e.units), d.places}
}

func (d decimal) negated() decimal {
	return decimal{new(big.Int).Neg(d.units), d.places}
}

func (d decimal) mul(e decimal) decimal {
	return decimal{new(big.Int).Mul(d.units, e.units), d.places + e.places}
}

func (d decimal) compare(e decimal) int {
	d, e = d.widened(e.places), e.widened(d.places)
	return d.units.Cmp(e.units)
}

// rounding is how a value between two results is rounded.
type rounding string

const (
	halfUp   rounding = "half_up"   // the middle is rounded away from zero: 0.125 is 0.13, -0.125 is -0.13
	halfEven rounding = "half_even" // the middle is rounded to the even neighbour: 0.125 is 0.12
	down     rounding = "down"      // towards zero
	up       rounding = "up"        // away from zero
)

// round returns d with exactly so many places.
func (d decimal) round(places int, mode rounding) decimal {
	if d.places <= places {
		return d.widened(places)
	}
	divisor := powerOfTen(d.places - places)
	quotient, rest := new(big.Int).QuoRem(d.units, divisor, new(big.Int))
	twice := new(big.Int).Mul(new(big.Int).Abs(rest), big.NewInt(2)).Cmp(divisor)
	away := false
	switch mode {
	case halfUp:
		away = twice >= 0
	case halfEven:
		away = twice > 0 || twice == 0 && quotient.Bit(0) == 1
	case up:
		away = rest.Sign() != 0
	}
	if away {
		quotient.Add(quotient, big.NewInt(int64(d.units.Sign())))
	}
	return decimal{quotient, places}
}

// String writes the decimal with all its places and no exponent.
func (d decimal) String() string { return d.text("", ".") }

// text writes the decimal with group between thousands and point before the
// places.
func (d decimal) text(group, point string) string {
	digits := new(big.Int).Abs(d.units).String()
	if short := d.places + 1 - len(digits); short > 0 {
		digits = strings.Repeat("0", short) + digits
	}
	whole, part := digits[:len(digits)-d.places], digits[len(digits)-d.places:]
	var b strings.Builder
	if d.units.Sign() < 0 {
		b.WriteByte('-')
	}
	for i, digit := range []byte(whole) {
		if i > 0 && group != "" && (len(whole)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteByte(digit)
	}
	if part != "" {
		b.WriteString(point + part)
	}
	return b.String()
}

// currencyPlaces returns the decimal places of a currency (ISO 4217).
func currencyPlaces(currency string) int {
	switch currency {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "CLF", "UYW":
		return 4
	}
	return 2
}
