//! Forks, resets, images, time and randomness.

use std::sync::Barrier;
use std::thread;

use pome_sandbox::{Advance, DEFAULT_CLOCK, WorldOptions};

use crate::support::{body, get, hostile, open, post, seeded};

#[test]
fn a_fork_continues_and_then_goes_its_own_way() {
    let mut world = seeded(&hostile(), "100");
    assert_eq!(body(post(&mut world, "/count")), "101");
    assert_eq!(body(post(&mut world, "/fill/3")), "{}");
    let random = body(get(&mut world, "/random"));

    let mut fork = world.fork().expect("a fork");
    assert_eq!(fork.now(), world.now());
    assert_eq!(fork.export_state().expect("state"), world.export_state().expect("state"));
    let next = body(get(&mut fork, "/random"));
    assert_ne!(next, random);
    assert_eq!(next, body(get(&mut world, "/random")), "both continue the same stream");

    assert_eq!(body(post(&mut fork, "/count")), "102");
    assert_eq!(body(post(&mut fork, "/count")), "103");
    assert_eq!(body(get(&mut world, "/count")), "101");
    fork.reset().expect("reset");
    assert_eq!(body(get(&mut fork, "/count")), "101", "a fork returns to where it began");
    drop(world);
    assert_eq!(body(post(&mut fork, "/count")), "102", "a fork outlives its origin");
}

#[test]
fn forks_of_forks_of_a_grown_world_agree() {
    let mut world = seeded(&hostile(), "0");
    let mut expected = 0;
    for round in 0_u64..12 {
        assert_eq!(body(post(&mut world, &format!("/fill/{}", round % 4))), "{}");
        assert_eq!(body(post(&mut world, "/count")), (round + 1).to_string());
        expected += round % 4;
        world = world.fork().expect("a fork");
        let state = format!("{{\"count\":{},\"ballast\":{expected}}}", round + 1);
        assert_eq!(String::from_utf8_lossy(&world.export_state().expect("state")), state);
    }
}

#[test]
fn an_image_can_be_opened_any_number_of_times() {
    let hostile = hostile();
    let mut world = seeded(&hostile, "1");
    let images: Vec<_> = (0..5)
        .map(|_| {
            body(post(&mut world, "/count"));
            world.image().expect("an image")
        })
        .collect();
    drop(world);
    for (index, image) in images.iter().enumerate().rev() {
        for _ in 0..2 {
            let mut world = hostile.world_from_image(image).expect("opened");
            assert_eq!(body(get(&mut world, "/count")), (index + 2).to_string());
            assert_eq!(world.now(), DEFAULT_CLOCK + 1000 * (index as u64 + 1));
            body(post(&mut world, "/count"));
        }
    }
}

#[test]
fn the_clock_starts_where_it_is_told_and_moves_with_changes_only() {
    let hostile = hostile();
    let mut world = open(&hostile);
    assert_eq!(body(get(&mut world, "/clock")), "1767225600000");
    body(get(&mut world, "/count"));
    assert_eq!(body(get(&mut world, "/clock")), "1767225600000", "reading takes no time");
    body(post(&mut world, "/count"));
    assert_eq!(body(get(&mut world, "/clock")), "1767225601000", "a change takes a second");

    let options = WorldOptions { clock: Some(5_000), ..WorldOptions::default() };
    let mut early = hostile.world(options).expect("opened");
    assert_eq!(body(get(&mut early, "/clock")), "5000");
}

#[test]
fn advancing_the_clock_does_what_is_due() {
    let mut world = open(&hostile());
    body(post(&mut world, "/later"));
    assert!(world.advance(Advance::By(59_999)).expect("advanced").is_empty());
    let due = world.advance(Advance::To(DEFAULT_CLOCK + 61_000)).expect("advanced");
    let due: Vec<_> = due.iter().map(|delivery| (delivery.id.as_str(), delivery.due)).collect();
    assert_eq!(due, [("delivery_1", DEFAULT_CLOCK + 60_000)]);
    world.advance(Advance::To(0)).expect("advanced");
    assert_eq!(world.now(), DEFAULT_CLOCK + 61_000, "time does not go back");
}

#[test]
fn the_same_random_seed_draws_the_same_numbers() {
    let hostile = hostile();
    let draws = |random_seed| {
        let options = WorldOptions { random_seed, ..WorldOptions::default() };
        let mut world = hostile.world(options).expect("opened");
        [body(get(&mut world, "/random")), body(get(&mut world, "/random"))]
    };
    assert_eq!(draws(7), draws(7));
    assert_ne!(draws(7), draws(8));
    // SplitMix64 from zero.
    assert_eq!(draws(0), [0xe220_a839_7b1d_cdaf_u64.to_string(), 0x6e78_9e6a_a1b9_65f4_u64.to_string()]);
}

#[test]
fn a_cached_seed_never_shows_another_worlds_clock_or_randomness() {
    let hostile = hostile();
    let count = |seed: &str, clock, random_seed| {
        let options = WorldOptions { seed: Some(seed.into()), clock: Some(clock), random_seed };
        let mut world = hostile.world(options).expect("opened");
        (body(get(&mut world, "/count")), body(get(&mut world, "/clock")), body(get(&mut world, "/random")))
    };
    // Seeds that look at the clock or draw while seeding.
    assert_eq!(count("clock", 10, 0).0, "10");
    assert_eq!(count("clock", 20, 0).0, "20");
    assert_eq!(count("clock", 10, 0).0, "10");
    assert_ne!(count("random", 10, 1).0, count("random", 10, 2).0);
    let (first, again) = (count("random", 10, 1), count("random", 10, 1));
    assert_eq!(first, again);
    assert_ne!(first.0, first.2, "the stream goes on after the seed's draw");
    // One that does neither: the image is shared, the senses are not.
    assert_eq!(count("3", 10, 1).1, "10");
    assert_eq!(count("3", 20, 2).1, "20");
    assert_ne!(count("3", 20, 2).2, count("3", 20, 3).2);
}

#[test]
fn many_worlds_on_many_threads_keep_apart_while_they_fork_and_reset() {
    const THREADS: u64 = 4;
    const WORLDS: u64 = 40;
    let hostile = hostile();
    let together = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (hostile, together) = (&hostile, &together);
            scope.spawn(move || {
                together.wait();
                let start = thread * 1000;
                let mut worlds: Vec<_> = (0..WORLDS).map(|_| seeded(hostile, &start.to_string())).collect();
                for round in 0..4_u64 {
                    for (index, world) in (0_u64..).zip(&mut worlds) {
                        for step in 1..=index % 5 {
                            assert_eq!(body(post(world, "/count")), (start + step).to_string());
                        }
                        match (round + index) % 3 {
                            0 => world.reset().expect("reset"),
                            1 => {
                                let fork = world.fork().expect("a fork");
                                *world = fork;
                                assert_eq!(body(get(world, "/count")), (start + index % 5).to_string());
                                world.seed(Some(start.to_string().as_bytes())).expect("seeded");
                            }
                            _ => {
                                body(post(world, "/fill/1"));
                                get(world, "/trap").expect_err("trap");
                                world.reset().expect("reset");
                                // The fork of an earlier round began further on.
                                world.seed(Some(start.to_string().as_bytes())).expect("seeded");
                            }
                        }
                        // A fork's reset returns to where the fork began, so start from the seed again.
                        world.seed(Some(start.to_string().as_bytes())).expect("seeded");
                        assert_eq!(
                            String::from_utf8_lossy(&world.export_state().expect("state")),
                            format!("{{\"count\":{start},\"ballast\":0}}")
                        );
                    }
                }
            });
        }
    });
}
