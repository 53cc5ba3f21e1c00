//! Known answers: fixed secrets, and what a browser and the authorities make of them. Every secret is the SHA-256 of a
//! text, modulo the order.

use crate::hex;
use crate::mpin::{
    authority::Authority,
    client::KeyPair,
    point::{G1, G2},
    scalar::Scalar,
    subject::Subject,
};

/// The generator of the second group.
pub(super) const G2_GENERATOR: &str = "\
    19682d2c7053b256358b2500f5c34bbb907c85bfa03e2726c0851ceee4d2ec741466b9ec3e19f64aa011c937a8e99743\
    f81b97b0c209c30f47a58e8b2e29cfe10a79edd972332b8dd81e22157daee2096361b33d847ec1b30cfbfcebcf0be09f\
    06160c39ecc4c09035c6e4512d8d3461c2864ea569d2edebed904b228898ee9d";
/// The secret of the server.
pub(super) const SERVER_SECRET: &str = "\
    226cfd10cf9b3a438844e315587e90f60fd8f3311501814f5cc65c495adfdb24181974ee4a111e6f42d1b132c55afcb8\
    9693bff8a686a1328bd5b8dd7cf064181ae69170e91a6e72d53fc8a71e1b11f50e795c1a9851fa63ed65c16f06d6d6ae\
    0c406f1097490a7c31409f8973bf4df60ecc242c96327f35b4e5d1c408c92ba3";
/// A point of the first group.
pub(super) const A: &str = "\
    04141b02ea20eb0021045c7603b57dde47ee5df86a84a80816df82a36e831ae42a2032657a876524592ebf6cd33ff26a\
    3b6a74a5c95d37e89f9162893bec8abf9e";
/// The public key of the browser that has one.
pub(super) const PUBLIC_KEY: &str = "\
    1fcaccf4844fd775daea55505243a9d98b7d99247245bb82a8e6eae31f037a160c7327a06808abf30fd5755cd13bb2f6\
    819c85e692169ca4c385d2e1e2cc1ee017d3c82ac122653be4a546faf53553a41e7b6eee08bf85e6d302718c33fe344d\
    0eacf60ac8865e6b49c9e80aeae2522a83712e4d2f75cb3ad1667adc886513d4";
/// What is signed.
pub(super) const MESSAGE: &str = "43cc23fa52b87b4cc1d02b5b114154151d6adddb17c9fddc06b027fa99e24008";
/// When it is signed.
pub(super) const TIMESTAMP: u64 = 1_700_000_000;
/// The challenge of the signature.
pub(super) const SIGN_Y: &str = "21c78f58c6480eab8b0e7eb166e0386135878f0aeb46e75466f916953ef7ba64";
/// The signature with the right PIN.
pub(super) const SIGN_V_1234: &str = "\
    0414d45653b6337f2caad517a806adc4bb73671390717b0371a98a13b8259d2dc2182c9533b5b9bce1b733d1dd1e59b5\
    9134b33d43985c2735b6b1469077886dc6";
/// The signature with another PIN.
pub(super) const SIGN_V_1235: &str = "\
    0408097b4b01ef88f8a24ea470f3b9bc99c40bde9e643146d501b395ed3937c2d720fb804ce59d3d9bbb7d929bfa7798\
    99acedb8c025b35ca8d618f4518c241a78";
/// The master secrets.
pub(super) const FIRST: &str = "0a38f73a78442c1f759b5414ed2b800468acf6f2e1895e631485fa8c2ea21a33";
/// The other one.
pub(super) const SECOND: &str = "143ee3756c525b8df2c83ce164f84220cd22c7dc7738f5ae3ea81764de31ecf7";
/// The M-Pin id.
pub(super) const MPIN_ID: &str = "\
    7b22757365724944223a22616e6e406578616d706c652e636f6d222c22634944223a226c6f63616c222c22696174223a\
    313730303030303030302c2273616c74223a223030313132323333343435353636373738383939616162626363646465\
    656666222c2276223a357d";
/// The secret key of the browser.
pub(super) const Z: &str = "18d9cdc1e450112ee8b5e1cffa0d8e22a986b5a64570063cc0d3b9186bbf4035";
/// The secret number of each proof.
pub(super) const X: &str = "02495b649a88759145c896fec4258ff83f3368fef798fab9c7125d2b20765523";
/// The challenge of each proof.
pub(super) const Y: &str = "203f6b9cfbe9fe625e5c2f65f1619f6114f24b15cf5131f34be097efe383e17f";

/// A proof with some PIN, and the verdict.
pub(super) struct Proof {
    pub(super) pin: u32,
    pub(super) v: &'static str,
    pub(super) is_right: bool,
}

/// An identity whose PIN is 1234.
pub(super) struct Vector {
    pub(super) public_key: Option<&'static str>,
    pub(super) point: &'static str,
    pub(super) share_1: &'static str,
    pub(super) share_2: &'static str,
    pub(super) token_1234: &'static str,
    pub(super) u: &'static str,
    v: [&'static str; 3],
}

const WITH_KEY: Vector = Vector {
    public_key: Some(PUBLIC_KEY),
    point: A,
    share_1: "040f5af00f5faf2005ac1654184feff4546c64d19263e6b4fe202010a76ce2444c01542c355d7dfc9a6d9739304635c2\
        6060890a1b636763d4f716b8d0f17959e4",
    share_2: "0402a074086a502fda709a0aed3d6ba01d39a1e7f755f54b67a951e418c397a02712d1743c2babe1f229bd459681124c\
        c65bfeb420b79ba6c3d280fd26f706aac9",
    token_1234: "04125a426f9baec919d662c2130c5ddf4c4dca5889b7d2a85ef8f476b36b7186c11bc4ec547f14c153b95f5664b88541\
        1b71a320ab1c97de2181a63c8e940eb909",
    u: "041a0a49e4cd65268f1134f0987522d57812c9575ae80f9ce2cbad0c4719c83b67076934e1d19fa404f28f69ca956842\
        72bcd7fb067440d36cf4ff3557f99ad7ee",
    v: [
        "040e8fbd7df0de8f497843c71fdba1609a538574a5fdbfda68c626711dc55fc3d30e4e481f1821874d86cc07129153d0\
            49497eb25fd3a71dac0ba39370edeb699c",
        "0407c263bf0e4d999194e57beeb111da53bee4a2bbc06d21270dfbb39824175be61abcff6251876712b3c4d8b22a3616\
            a83dcd9851913f2ea7ba8236f9d1272bd7",
        "040cdb188a5866ce3fd41383ce08a3967b504db976e96a52116a8a07365b56d06c14b5336a3631d8d7284274631daf98\
            adeaf65cc41cebd878ca21a365b36429fb",
    ],
};

/// From before public keys.
const WITHOUT_KEY: Vector = Vector {
    public_key: None,
    point: "041d025ada2f86ffc79f4399bf472053ca17a5b5d13a3696574ddf8f563a9c14ed01d04a673f1fcd79b1383eb9fc62ac\
        6432c0c1e20f68806f112510c218c6d02e",
    share_1: "0416f3b77ea6dcfea4fc00412c0f9929b0f8c1e14de21b1aa1b753e082f6fe6eab1f2fa0b3f7faa2f284120362359821\
        fa2d97614514ef9e6a9f6f223d48f05a5a",
    share_2: "041705cf93fdc260baee24d5ae81093c3a680cb5fde3960f6b9de1cbddfc753857128867d639a63f7b74e7067bef4aa8\
        077d9a0c769d88123c71e8715efd2d86cd",
    token_1234: "0423fd187dc9776c28915b9da8e8cf1502730b684bfc2f4d19f9c822a14fefdec30ee4b96158bc79454fa5ec94fac615\
        8ca87b8efb3aa85e07b0918609f649f8e9",
    u: "041c627d0c98ff5b1136e9b4fff9d0fbe1696972f1a4f83b2dd529ff223a6851af0426999707764423c0d5a7494b7257\
        1f6f1dfdd9fe0bb33a35ae21abaa27ca78",
    v: [
        "0402ca70157511363450b59b2ca7b593225c2ae5619e00360f43a21f9f691cad36121bfb510150a0c1f6a0116e814e3a\
            5b22ab1e10c36e8964abef87522097a41a",
        "041afbdf111229995a294c89918244773a07b7223b0151f62917f0173e92e3286c02a2cb245e8e3dffdd02043037b246\
            f81b4ff28c69d636d6b28c47ec55b74eae",
        "040a563d1dbb7bf385077d2e718ace14667f3322decb9cf068cb68cb1ea3bc65c700708d8abcd4a57037b5bfd3574fa5\
            dc2ecdc7c5bf8f6b277e05264193612ffc",
    ],
};

/// Both.
pub(super) fn all() -> [Vector; 2] {
    [WITH_KEY, WITHOUT_KEY]
}

pub(super) fn authority() -> Authority {
    Authority::of([scalar(FIRST), scalar(SECOND)])
}

pub(super) fn x() -> Scalar {
    scalar(X)
}

pub(super) fn y() -> Scalar {
    scalar(Y)
}

impl Vector {
    pub(super) fn subject(&self) -> Subject {
        let key = self.public_key.and_then(G2::parse);
        Subject::of_hex(MPIN_ID, key).expect("the id is hexadecimal text")
    }

    pub(super) fn keys(&self) -> Option<KeyPair> {
        self.public_key.map(|_| KeyPair::of(scalar(Z)))
    }

    pub(super) fn u(&self) -> G1 {
        G1::parse(self.u).expect("it is a point")
    }

    pub(super) fn proofs(&self) -> [Proof; 3] {
        let [right, next, zero] = self.v;
        [(1234, right), (1235, next), (0, zero)].map(|(pin, v)| Proof {
            pin,
            v,
            is_right: pin == 1234,
        })
    }
}

fn scalar(text: &str) -> Scalar {
    Scalar::parse(&hex::decode(text).expect("hexadecimal text")).expect("it is below the order")
}
