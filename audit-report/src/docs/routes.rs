//! Lays boxes out in columns and routes lines between them. All lines to one box share a trunk in each gutter between
//! columns, so a box to which everything refers gets one trunk and not a bundle of lines; where a trunk has to pass
//! other columns it runs above them.

use std::collections::{BTreeMap, BTreeSet};

/// What stands in the picture.
pub(super) struct Box<'g> {
    /// Boxes of one group stand together below its name.
    pub(super) group: &'g str,
    pub(super) column: usize,
    pub(super) height: f64,
}

/// From a row of one box to a row of another.
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Distance of the row from the top of its box.
    pub(super) from_row: f64,
    pub(super) to_row: f64,
}

/// Where everything stands.
pub(super) struct Plan<'g> {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The upper left corner of every box.
    pub(super) boxes: Vec<(f64, f64)>,
    /// The names of the groups and where they are written.
    pub(super) groups: Vec<(&'g str, f64, f64)>,
    pub(super) trunks: Vec<Trunk>,
    pub(super) branches: Vec<Branch>,
}

/// The shared part of the lines to one box.
pub(super) struct Trunk {
    pub(super) path: String,
    pub(super) ink: usize,
    /// The lines that use it.
    pub(super) lines: Vec<usize>,
}

/// From a trunk to the side of a box.
pub(super) struct Branch {
    pub(super) line: usize,
    pub(super) trunk_x: f64,
    pub(super) box_x: f64,
    pub(super) y: f64,
    /// Whether it ends at the box that is referred to.
    pub(super) parent: bool,
    pub(super) ink: usize,
}

const LANE: f64 = 12.0;
const STUB: f64 = 24.0;
const GROUP: f64 = 30.0;
const GAP: f64 = 20.0;

/// Lays out boxes of one width below `top`.
pub(super) fn lay_out<'g>(
    boxes: &[Box<'g>],
    lines: &[Line],
    width: f64,
    margin: f64,
    top: f64,
) -> Plan<'g> {
    let columns = boxes.iter().map(|one| one.column + 1).max().unwrap_or(0);
    // Which box has a trunk in which gutter; gutter g lies to the right of column g.
    let mut lanes: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); columns];
    let mut channels: BTreeSet<usize> = BTreeSet::new();
    let gutter_of = |line: &Line| {
        let (from, to) = (boxes[line.from].column, boxes[line.to].column);
        if from > to { from - 1 } else { from }
    };
    for line in lines {
        let to = boxes[line.to].column;
        let gutter = gutter_of(line);
        lanes[gutter].insert(line.to);
        if gutter > to {
            lanes[to].insert(line.to);
            channels.insert(line.to);
        } else if to > 0 && gutter < to - 1 {
            lanes[to - 1].insert(line.to);
            channels.insert(line.to);
        }
    }
    let inks: BTreeMap<usize, usize> = lines
        .iter()
        .map(|line| line.to)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .enumerate()
        .map(|(place, to)| (to, place))
        .collect();
    let channel_y: BTreeMap<usize, f64> = channels
        .iter()
        .enumerate()
        .map(|(place, to)| (*to, top + 16.0 + LANE * place as f64))
        .collect();
    let first = top + 16.0 + LANE * channels.len() as f64 + 10.0;

    let mut column_x = Vec::new();
    let mut x = margin;
    let mut right = margin;
    for gutter in &lanes {
        column_x.push(x);
        right = x + width;
        x += width + 2.0 * STUB + LANE * gutter.len().max(1) as f64;
    }
    let last_lanes = lanes.last().map_or(0, BTreeSet::len);
    let picture_width = right
        + margin
        + if last_lanes > 0 {
            STUB + LANE * last_lanes as f64
        } else {
            0.0
        };
    let lane_x = |gutter: usize, to: usize| {
        let place = lanes[gutter]
            .iter()
            .position(|other| *other == to)
            .unwrap_or(0);
        column_x[gutter] + width + STUB + LANE * (place as f64 + 0.5)
    };

    let mut bottom = vec![first; columns];
    let mut groups: Vec<(&str, usize, f64, f64)> = Vec::new();
    let mut corners = Vec::with_capacity(boxes.len());
    for one in boxes {
        let x = column_x[one.column];
        // A group that goes on in the next column is named there again.
        if !groups
            .iter()
            .any(|(name, column, ..)| (*name, *column) == (one.group, one.column))
        {
            let gap = if bottom[one.column] > first {
                12.0
            } else {
                0.0
            };
            groups.push((one.group, one.column, x, bottom[one.column] + gap + 14.0));
            bottom[one.column] += GROUP - 6.0 + gap;
        }
        corners.push((x, bottom[one.column]));
        bottom[one.column] += one.height + GAP;
    }
    let height = bottom.into_iter().fold(first, f64::max);

    let mut branches = Vec::new();
    let mut trunks = Vec::new();
    for (to, ink) in &inks {
        let (to, ink) = (*to, *ink);
        let own = boxes[to].column;
        let mut ends: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        let users: Vec<usize> = (0..lines.len())
            .filter(|place| lines[*place].to == to)
            .collect();
        for place in &users {
            let line = &lines[*place];
            let gutter = gutter_of(line);
            let trunk_x = lane_x(gutter, to);
            let y = corners[line.from].1 + line.from_row;
            let box_x = if gutter == boxes[line.from].column {
                column_x[gutter] + width
            } else {
                column_x[gutter + 1]
            };
            branches.push(Branch {
                line: *place,
                trunk_x,
                box_x,
                y,
                parent: false,
                ink,
            });
            ends.entry(gutter).or_default().push(y);
        }
        let gutters: Vec<usize> = ends.keys().copied().collect();
        let mut pieces: Vec<String> = Vec::new();
        for (side, home) in [(true, Some(own)), (false, own.checked_sub(1))] {
            let Some(home) = home else { continue };
            let used: Vec<usize> = gutters
                .iter()
                .copied()
                .filter(|gutter| (*gutter >= own) == side)
                .collect();
            if used.is_empty() {
                continue;
            }
            // The end at the box itself: the optional mark is that of the first line on this side.
            let line = users
                .iter()
                .copied()
                .find(|place| used.contains(&gutter_of(&lines[*place])))
                .unwrap_or(users[0]);
            let y = corners[to].1 + lines[line].to_row;
            let box_x = if side {
                column_x[own] + width
            } else {
                column_x[own]
            };
            branches.push(Branch {
                line,
                trunk_x: lane_x(home, to),
                box_x,
                y,
                parent: true,
                ink,
            });
            ends.entry(home).or_default().push(y);
            let far: Vec<usize> = used
                .iter()
                .copied()
                .filter(|gutter| *gutter != home)
                .collect();
            if !far.is_empty() {
                let channel = channel_y[&to];
                let mut xs: Vec<f64> = far.iter().map(|gutter| lane_x(*gutter, to)).collect();
                xs.push(lane_x(home, to));
                let (left, right) = (
                    xs.iter().copied().fold(f64::MAX, f64::min),
                    xs.iter().copied().fold(f64::MIN, f64::max),
                );
                pieces.push(format!("M{left} {channel}H{right}"));
                for gutter in far.into_iter().chain([home]) {
                    ends.entry(gutter).or_default().push(channel);
                }
            }
        }
        for (gutter, ys) in &ends {
            let (low, high) = (
                ys.iter().copied().fold(f64::MAX, f64::min),
                ys.iter().copied().fold(f64::MIN, f64::max),
            );
            if high > low {
                pieces.push(format!("M{} {low}V{high}", lane_x(*gutter, to)));
            }
        }
        trunks.push(Trunk {
            path: pieces.concat(),
            ink,
            lines: users,
        });
    }
    Plan {
        width: picture_width,
        height,
        boxes: corners,
        groups: groups
            .into_iter()
            .map(|(name, _, x, y)| (name, x, y))
            .collect(),
        trunks,
        branches,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxes() -> Vec<Box<'static>> {
        [(0, "a"), (0, "a"), (1, "b"), (3, "c")]
            .into_iter()
            .map(|(column, group)| Box {
                group,
                column,
                height: 100.0,
            })
            .collect()
    }

    #[test]
    fn boxes_do_not_overlap() {
        let plan = lay_out(&boxes(), &[], 200.0, 10.0, 50.0);
        assert!(plan.boxes[1].1 >= plan.boxes[0].1 + 100.0);
        assert!(plan.boxes[2].0 >= plan.boxes[0].0 + 200.0);
        assert!(plan.height >= plan.boxes[1].1 + 100.0);
    }

    #[test]
    fn all_lines_to_a_box_share_one_trunk() {
        let line = |from| Line {
            from,
            to: 0,
            from_row: 20.0,
            to_row: 20.0,
        };
        let plan = lay_out(&boxes(), &[line(1), line(2), line(3)], 200.0, 10.0, 50.0);
        assert_eq!(plan.trunks.len(), 1);
        assert_eq!(
            plan.branches.iter().filter(|branch| branch.parent).count(),
            1
        );
        assert_eq!(
            plan.branches.iter().filter(|branch| !branch.parent).count(),
            3
        );
    }
}
