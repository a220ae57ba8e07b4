//! Which addresses belong to the public internet, and which to nobody but the machine itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are not public: IANA's special-purpose registry, multicast, the reserved rest.
const NOT_PUBLIC: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // The virtual host that Azure's machines talk to, metadata included; public by its number only.
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// What is globally routed in IPv6, and which parts of it are not hosts of their own: protocol assignments
/// (Teredo among them) and documentation.
const GLOBAL_V6: (u128, u32) = (0x2000 << 112, 3);
const NOT_PUBLIC_V6: [(u128, u32); 3] =
    [(0x2001 << 112, 23), (0x2001_0db8 << 96, 32), (0x3fff << 112, 20)];

/// Where a machine in a cloud asks for its own credentials: link-local addresses, and the fixed ones that some
/// clouds have beside them (Azure, Alibaba; AWS and Google in IPv6).
const METADATA: [(Ipv4Addr, u32); 3] = [
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(100, 100, 100, 200), 32),
];
const METADATA_V6: [(u128, u32); 3] = [
    (0xfe80 << 112, 10),
    (0xfd00_0ec2_0000_0000_0000_0000_0000_0254, 128),
    (0xfd20_00ce_0000_0000_0000_0000_0000_0254, 128),
];

/// IPv6 forms of an IPv4 address: mapped, translated (NAT64).
const MAPPED: (u128, u32) = (0xffff << 32, 96);
const TRANSLATED: (u128, u32) = (0x0064_ff9b << 96, 96);
/// 6to4 carries the IPv4 address behind its first 16 bits.
const SIX_TO_FOUR: (u128, u32) = (0x2002 << 112, 16);

/// Whether an address belongs to the public internet. An IPv6 address that stands for an IPv4 address is what
/// that is.
pub fn is_public(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => !is_in_v4(address, &NOT_PUBLIC),
        IpAddr::V6(address) => {
            is_in_v6(address, &[GLOBAL_V6]) && !is_in_v6(address, &NOT_PUBLIC_V6)
        }
    }
}

/// Whether a machine's own credentials may be had at an address. No receiver of anybody's lies there.
pub(crate) fn is_metadata(address: IpAddr) -> bool {
    match plain(address) {
        IpAddr::V4(address) => is_in_v4(address, &METADATA),
        IpAddr::V6(address) => is_in_v6(address, &METADATA_V6),
    }
}

fn is_in_v4(address: Ipv4Addr, nets: &[(Ipv4Addr, u32)]) -> bool {
    let bits = u32::from(address);
    nets.iter().any(|(net, length)| (bits ^ u32::from(*net)) >> (32 - length) == 0)
}

fn is_in_v6(address: Ipv6Addr, nets: &[(u128, u32)]) -> bool {
    let bits = u128::from(address);
    nets.iter().any(|(net, length)| (bits ^ net) >> (128 - length) == 0)
}

/// The IPv4 address that an IPv6 address stands for, or the address itself.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let shift = if is_in_v6(v6, &[MAPPED, TRANSLATED]) {
        0
    } else if is_in_v6(v6, &[SIX_TO_FOUR]) {
        80
    } else {
        return address;
    };
    #[expect(clippy::cast_possible_truncation, reason = "the 32 bits that are the address")]
    let bits = (u128::from(v6) >> shift) as u32;
    IpAddr::V4(Ipv4Addr::from(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::7f00:1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "5f00::1",
            "4000::1",
        ] {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "168.63.129.15",
            "172.15.255.255",
            "172.32.0.0",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
        ] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn credentials_are_had_at_known_addresses() {
        for (address, expected) in [
            ("169.254.169.254", true),
            ("169.254.170.2", true),
            ("168.63.129.16", true),
            ("100.100.100.200", true),
            ("::ffff:169.254.169.254", true),
            ("64:ff9b::a9fe:a9fe", true),
            ("2002:a9fe:a9fe::1", true),
            ("fe80::1", true),
            ("fd00:ec2::254", true),
            ("fd20:ce::254", true),
            ("127.0.0.1", false),
            ("10.0.0.1", false),
            ("100.100.100.201", false),
            ("fd00::1", false),
            ("::1", false),
            ("8.8.8.8", false),
        ] {
            assert_eq!(is_metadata(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
