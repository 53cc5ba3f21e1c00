//! What the app has answered about the request of a session: it is asked once, however many guards want to know.

use std::{any::TypeId, sync::Arc};

use crate::session::identity::SessionId;

/// A function of the app's own, by which it can be told from others.
#[derive(Debug, Clone)]
pub(crate) enum Asked {
    /// It captures nothing, so that its type says it all.
    Type(TypeId),
    /// It captures something: it is the same only in clones. The value stays beside the answer, so that no later
    /// function gets its address.
    Value(Arc<()>),
}

impl Asked {
    pub(crate) fn new<F: 'static>() -> Self {
        match size_of::<F>() {
            0 => Self::Type(TypeId::of::<F>()),
            _ => Self::Value(Arc::new(())),
        }
    }
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Type(one), Self::Type(other)) => one == other,
            (Self::Value(one), Self::Value(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// The answers so far. `None` is a failure.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    of: Option<SessionId>,
    answers: Vec<(Asked, Option<bool>)>,
}

impl Answers {
    /// These answers, if they are about this session.
    pub(crate) fn about(self, session: SessionId) -> Self {
        match self.of == Some(session) {
            true => self,
            false => Self {
                of: Some(session),
                answers: Vec::new(),
            },
        }
    }

    pub(crate) fn get(&self, asked: &Asked) -> Option<Option<bool>> {
        let found = self.answers.iter().find(|(known, _)| known == asked);
        found.map(|(_, answer)| *answer)
    }

    pub(crate) fn add(&mut self, asked: Asked, answer: Option<bool>) {
        self.answers.push((asked, answer));
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.answers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<F: 'static>(_: &F) -> Asked {
        Asked::new::<F>()
    }

    #[test]
    fn a_function_is_the_same_by_its_type_or_in_its_clones_alone() {
        let is = |name: &'static str| move |other: &str| other == name;
        let (alice, bob) = (of(&is("alice")), of(&is("bob")));
        assert!(alice != bob && alice == alice.clone());
        assert_ne!(of(&is("alice")), alice);
        let (one, other) = (|| 1, || 1);
        assert!(of(&one) == of(&one) && of(&one) != of(&other));
        assert_ne!(of(&one), alice);
        let pointer: fn() = || ();
        assert_ne!(of(&pointer), of(&pointer));
    }

    #[test]
    fn an_answer_counts_for_the_session_that_it_is_about() {
        let (asked, one) = (of(&|| ()), SessionId([1; 32]));
        let mut answers = Answers::default().about(one);
        answers.add(asked.clone(), Some(true));
        assert_eq!(answers.clone().about(one).get(&asked), Some(Some(true)));
        assert_eq!(answers.about(SessionId([2; 32])).get(&asked), None);
    }
}
