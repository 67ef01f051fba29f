//! The told ports inside the new network: listening sockets that the runner answers.
//!
//! A socket stays in the network in which it was made, whoever holds it. So the runner can accept connections of a network that
//! has no way out, and no process has to stand between.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// What comes with the descriptors; anything else is the beginning of a sentence that says why there are none.
const GIVEN: u8 = b'L';
/// More twins than any scenario has.
const MOST: usize = 64;

/// Listens on the ports and hands the sockets to the other end of `control`.
pub(crate) fn give(ports: &[u16], control: impl AsFd) -> io::Result<()> {
    if ports.len() > MOST {
        return Err(io::Error::other(format!("more than {MOST} ports")));
    }
    let listeners: Vec<TcpListener> =
        ports.iter().map(|&port| TcpListener::bind((Ipv4Addr::LOCALHOST, port))).collect::<io::Result<_>>()?;
    let descriptors: Vec<_> = listeners.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("no room for the listening sockets in a message"));
    }
    sendmsg(control, &[IoSlice::new(&[GIVEN])], &mut ancillary, SendFlags::empty())?;
    Ok(())
}

/// Takes the sockets of the namespaces form from the first message on `control`, in the order of the policy's ports. Absent: the
/// form was refused before, and the next line on `control` says why. Answers "would block" like any other reading.
pub fn receive(control: impl AsFd) -> io::Result<Option<Vec<TcpListener>>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let read = recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    if read.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    if byte != [GIVEN] {
        return Ok(None);
    }
    let listener = |descriptor| -> io::Result<TcpListener> {
        let listener = TcpListener::from(descriptor);
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    descriptors.into_iter().map(listener).collect::<io::Result<_>>().map(Some)
}
