//! `{{id text}}`: any text as a part of an id, different texts as different ids.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, JsonRender, RenderContext, RenderError,
    RenderErrorReason, ScopedJson,
};
use sha2::{Digest, Sha256};

/// Leaves room for a prefix: an id has at most 64 characters.
const DEFAULT_LENGTH: usize = 48;
const HASH_LENGTH: usize = 8;

/// At most `length` characters of `a-z 0-9 - _`. A text that had to be changed in any way (upper case too, because
/// ids are compared without it) carries eight hex digits of its SHA-256, so that two texts do not become one id.
pub fn slug(text: &str, length: usize) -> String {
    let length = length.clamp(HASH_LENGTH + 2, 64);
    let kept = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !text.is_empty() && text.len() <= length && text.chars().all(kept) {
        return text.to_owned();
    }
    let mut slug = String::with_capacity(length);
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if slug.len() + HASH_LENGTH + 1 >= length {
            break;
        }
        if kept(c) {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    let hash = Sha256::digest(text.as_bytes());
    let hash: String = hash
        .iter()
        .take(HASH_LENGTH / 2)
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("{slug}-{hash}").trim_start_matches('-').to_owned()
}

pub(super) struct IdHelper;

impl HelperDef for IdHelper {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let text = h
            .param(0)
            .ok_or(RenderErrorReason::ParamNotFoundForIndex("id", 0))?
            .value()
            .render();
        let length = match h.param(1).map(|p| p.value().as_u64()) {
            None => DEFAULT_LENGTH,
            Some(Some(length)) => usize::try_from(length).unwrap_or(DEFAULT_LENGTH),
            Some(None) => {
                return Err(RenderErrorReason::Other(
                    "the length given to `id` is not a number".to_owned(),
                )
                .into());
            }
        };
        Ok(ScopedJson::Derived(slug(&text, length).into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::slug;

    #[test]
    fn what_is_fit_stays_and_the_rest_is_marked() {
        assert_eq!(slug("alpha_1-b", 48), "alpha_1-b");
        assert_eq!(slug("a.txt", 48).len(), "a-txt-".len() + 8);
        assert!(slug("Älter werden.txt", 48).starts_with("lter-werden-txt-"));
        assert_ne!(slug("A", 48), slug("a", 48));
        assert_eq!(slug("", 48).len(), 8);
    }

    proptest! {
        #[test]
        fn always_an_id_and_never_the_same(a in ".{0,200}", b in ".{0,200}", length in 0_usize..100) {
            let (x, y) = (slug(&a, length), slug(&b, length));
            prop_assert!(crate::ids::check_batch_id(&x).is_ok(), "{}", x);
            prop_assert!(x.len() <= length.clamp(10, 64));
            prop_assert!(a == b || !x.eq_ignore_ascii_case(&y));
        }
    }
}
