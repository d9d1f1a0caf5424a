// Package partition holds the partitions of AWS: separate parts with their own regions,
// domain names and ARN prefix.
package partition

import "strings"

// A Partition is a part of AWS that shares nothing with the others.
type Partition struct {
	// Name is the second field of the partition's ARNs, such as "aws" or "aws-cn".
	Name string
	// DNSSuffix ends the host names of services.
	DNSSuffix string
	// DualStackDNSSuffix ends the host names that resolve to IPv4 and IPv6 addresses.
	DualStackDNSSuffix string
	// NoFIPS and NoDualStack are true if the partition lacks such endpoints. None does
	// today.
	NoFIPS, NoDualStack bool
}

// Of returns the partition of a region, with or without a FIPS mark. It goes by the form
// of the name, so that new regions need no release. A name of no known form belongs to
// "aws".
func Of(region string) Partition {
	region, _ = TrimFIPS(region)
	if name, ok := strings.CutSuffix(region, "-global"); ok {
		return named(name)
	}
	place, number := cutLast(region)
	area, direction := cutLast(place)
	if direction == "" || number == "" || strings.Trim(number, "0123456789") != "" {
		return named("aws")
	}
	switch area {
	case "cn":
		return named("aws-cn")
	case "us-gov":
		return named("aws-us-gov")
	case "us-iso":
		return named("aws-iso")
	case "us-isob":
		return named("aws-iso-b")
	case "eu-isoe":
		return named("aws-iso-e")
	case "us-isof":
		return named("aws-iso-f")
	case "eusc-de":
		return named("aws-eusc")
	default:
		return named("aws")
	}
}

// TrimFIPS removes the FIPS mark of region names such as "fips-us-east-1",
// "us-east-1-fips" and "us-fips-east-1". It reports whether there was one.
func TrimFIPS(region string) (plain string, marked bool) {
	plain = strings.ReplaceAll(region, "-fips-", "-")
	plain = strings.ReplaceAll(plain, "fips-", "")
	plain = strings.ReplaceAll(plain, "-fips", "")
	return plain, plain != region
}

// LambdaARN returns the ARN of a resource of the service lambda in the partition of the
// region.
func LambdaARN(region, account, resource string) string {
	return "arn:" + Of(region).Name + ":lambda:" + region + ":" + account + ":" + resource
}

func named(name string) Partition {
	switch name {
	case "aws-cn":
		return Partition{Name: name, DNSSuffix: "amazonaws.com.cn", DualStackDNSSuffix: "api.amazonwebservices.com.cn"}
	case "aws-us-gov":
		return Partition{Name: name, DNSSuffix: "amazonaws.com", DualStackDNSSuffix: "api.aws"}
	case "aws-iso":
		return Partition{Name: name, DNSSuffix: "c2s.ic.gov", DualStackDNSSuffix: "api.aws.ic.gov"}
	case "aws-iso-b":
		return Partition{Name: name, DNSSuffix: "sc2s.sgov.gov", DualStackDNSSuffix: "api.aws.scloud"}
	case "aws-iso-e":
		return Partition{Name: name, DNSSuffix: "cloud.adc-e.uk", DualStackDNSSuffix: "api.cloud-aws.adc-e.uk"}
	case "aws-iso-f":
		return Partition{Name: name, DNSSuffix: "csp.hci.ic.gov", DualStackDNSSuffix: "api.aws.hci.ic.gov"}
	case "aws-eusc":
		return Partition{Name: name, DNSSuffix: "amazonaws.eu", DualStackDNSSuffix: "api.amazonwebservices.eu"}
	default:
		return Partition{Name: "aws", DNSSuffix: "amazonaws.com", DualStackDNSSuffix: "api.aws"}
	}
}

// cutLast cuts s at its last dash. after is empty if there is none.
func cutLast(s string) (before, after string) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}
