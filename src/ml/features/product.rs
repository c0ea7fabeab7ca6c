//! Every combination of one token of each factor.

/// Bytes of buffer that are kept from one record to the next.
const MOST_KEPT: usize = 64 << 10;

/// The tokens of several factors, and the text of one combination.
#[derive(Debug, Clone, Default)]
pub struct ProductBuffer {
    text: String,
    /// Start and end of each token in `text`.
    spans: Vec<(u32, u32)>,
    /// Where the tokens of each factor end in `spans`.
    ends: Vec<usize>,
    at: Vec<usize>,
    joined: String,
}

impl ProductBuffer {
    /// Bytes of the buffers, about.
    pub fn capacity(&self) -> usize {
        self.text.capacity() + self.joined.capacity() + size_of::<(u32, u32)>() * self.spans.capacity()
    }

    /// Forgets all factors and keeps the buffers, unless one record made them very large.
    pub fn clear(&mut self) {
        if self.text.capacity() > MOST_KEPT {
            *self = Self::default();
        }
        self.text.clear();
        self.spans.clear();
        self.ends.clear();
    }

    /// Adds a token of the current factor.
    pub fn push(&mut self, token: &str) {
        let start = self.text.len() as u32;
        self.text.push_str(token);
        self.spans.push((start, self.text.len() as u32));
    }

    /// Ends the current factor.
    pub fn end_factor(&mut self) {
        self.ends.push(self.spans.len());
    }

    /// Calls `each` with up to `most` combinations, joined by underscores, the last factor running fastest.
    /// A factor without tokens gives none.
    pub fn for_each_combination(&mut self, most: usize, mut each: impl FnMut(&str)) {
        self.at.clear();
        let mut start = 0;
        for &end in &self.ends {
            if start == end {
                return;
            }
            self.at.push(start);
            start = end;
        }
        for _ in 0..most {
            self.joined.clear();
            for (factor, &token) in self.at.iter().enumerate() {
                if factor > 0 {
                    self.joined.push('_');
                }
                let (start, end) = self.spans[token];
                self.joined.push_str(&self.text[start as usize..end as usize]);
            }
            each(&self.joined);
            if !self.advance() {
                return;
            }
        }
    }

    /// Steps to the next combination; false after the last one.
    fn advance(&mut self) -> bool {
        for factor in (0..self.at.len()).rev() {
            let first = if factor == 0 { 0 } else { self.ends[factor - 1] };
            self.at[factor] += 1;
            if self.at[factor] < self.ends[factor] {
                return true;
            }
            self.at[factor] = first;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combinations(factors: &[&[&str]], most: usize) -> Vec<String> {
        let mut product = ProductBuffer::default();
        for factor in factors {
            factor.iter().for_each(|token| product.push(token));
            product.end_factor();
        }
        let mut found = Vec::new();
        product.for_each_combination(most, |joined| found.push(joined.to_string()));
        found
    }

    #[test]
    fn every_combination_once_in_order() {
        assert_eq!(combinations(&[&["red"], &["L"]], 9), ["red_L"]);
        assert_eq!(
            combinations(&[&["Good", "Maths"], &["hard"]], 9),
            ["Good_hard", "Maths_hard"]
        );
        assert_eq!(
            combinations(&[&["a", "b"], &["c"], &["d", "e"]], 9),
            ["a_c_d", "a_c_e", "b_c_d", "b_c_e"]
        );
        assert!(combinations(&[&["a"], &[]], 9).is_empty());
        assert_eq!(combinations(&[&["a", "b"], &["c", "d"]], 3).len(), 3);
    }
}
