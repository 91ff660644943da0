//! Detection of RSA keys of a broken generator (CVE-2017-15361, "Return of Coppersmith's Attack"), whose
//! private key can be computed from the modulus.

/// The primes of the test: modulo each of them, 65537 has few powers.
const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
const GENERATOR: u32 = 65537;

/// Returns `true` if an RSA modulus, big-endian, has the generator's mark: modulo each of the primes it is a
/// power of 65537. One sound key in 2^27 has the mark too.
pub(super) fn has_mark(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| is_power(remainder(modulus, prime), prime))
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_power(rest: u32, prime: u32) -> bool {
    let step = GENERATOR % prime;
    let powers = std::iter::successors(Some(1), |power| Some(power * step % prime));
    powers.take(prime as usize).any(|power| power == rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_the_generator_have_the_mark_and_their_neighbours_do_not() {
        // 65537 itself, its square, and the square's neighbours.
        assert!(has_mark(&[1, 0, 1]));
        assert!(has_mark(&[1, 0, 2, 0, 1]));
        assert!(!has_mark(&[1, 0, 2, 0, 2]));
        assert!(!has_mark(&[1, 0, 2, 0, 3]));
    }
}
