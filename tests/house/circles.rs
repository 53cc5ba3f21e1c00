//! Circles: files that use each other, directly or through others.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
};

use crate::{
    arrows::{Arrows, Place},
    modules::Crate,
};

/// Each circle as a text: its files, and the shortest way round with the line of each step.
pub(crate) fn findings(krate: &Crate<'_>, arrows: &Arrows) -> Vec<String> {
    let pairs: Vec<(usize, usize)> = arrows.keys().copied().collect();
    let path = |file: &usize| krate.files[*file].path;
    let text = |circle: &Vec<usize>| {
        let files: Vec<&str> = circle.iter().map(path).collect();
        let mut text = format!("a circle of {} files: {}", files.len(), files.join(", "));
        let way = way_round(&pairs, circle);
        for (from, to) in way.iter().zip(way.iter().cycle().skip(1)) {
            let Place { line, says } = &arrows[&(*from, *to)][0];
            let _ = write!(
                text,
                "\n    {}:{line}: uses {}: {says}",
                path(from),
                path(to)
            );
        }
        text
    };
    circles(&pairs).iter().map(text).collect()
}

/// The groups of files that reach each other, of two files or more, the largest group first.
fn circles(arrows: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut below: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (from, to) in arrows {
        below.entry(*from).or_default().push(*to);
    }
    let reaches: BTreeMap<usize, BTreeSet<usize>> = below
        .keys()
        .map(|from| (*from, reach(&below, *from)))
        .collect();
    let mut circles = BTreeSet::new();
    for (from, reached) in &reaches {
        let back = |to: &usize| {
            reaches
                .get(to)
                .is_some_and(|reached| reached.contains(from))
        };
        let circle: Vec<usize> = reached.iter().copied().filter(back).collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    let mut circles: Vec<Vec<usize>> = circles.into_iter().collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

fn reach(below: &BTreeMap<usize, Vec<usize>>, from: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for to in below.get(&at).into_iter().flatten() {
            if reached.insert(*to) {
                open.push(*to);
            }
        }
    }
    reached
}

/// The shortest way round in such a group: each file uses the next, and the last uses the first.
fn way_round(arrows: &[(usize, usize)], circle: &[usize]) -> Vec<usize> {
    let ways = circle
        .iter()
        .filter_map(|start| way_back(arrows, circle, *start));
    ways.min_by_key(Vec::len).unwrap_or_default()
}

fn way_back(arrows: &[(usize, usize)], circle: &[usize], start: usize) -> Option<Vec<usize>> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        let next = arrows
            .iter()
            .filter(|(from, to)| *from == at && circle.contains(to));
        for (_, to) in next {
            if *to == start {
                let way = std::iter::successors(Some(at), |at| before.get(at).copied());
                let mut way: Vec<usize> = way.collect();
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(to) {
                before.insert(*to, at);
                open.push_back(*to);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_that_run_one_way_are_no_circle() {
        assert!(circles(&[(0, 1), (0, 2), (1, 2), (2, 3)]).is_empty());
    }

    #[test]
    fn a_circle_of_three_is_found_and_walked() {
        let arrows = [(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)];
        assert_eq!(circles(&arrows), [vec![1, 2, 3]]);
        assert_eq!(way_round(&arrows, &[1, 2, 3]), [1, 2, 3]);
    }

    #[test]
    fn two_circles_are_told_apart_with_the_larger_one_first() {
        let arrows = [(0, 1), (1, 0), (1, 2), (2, 3), (3, 4), (4, 2)];
        assert_eq!(circles(&arrows), [vec![2, 3, 4], vec![0, 1]]);
    }

    #[test]
    fn the_shortest_way_round_is_named() {
        let arrows = [(0, 1), (1, 2), (2, 3), (3, 0), (2, 1)];
        assert_eq!(circles(&arrows), [vec![0, 1, 2, 3]]);
        assert_eq!(way_round(&arrows, &[0, 1, 2, 3]), [1, 2]);
    }
}
